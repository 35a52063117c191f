/** A wait that can be cut short, by calls before it too: between two waits any number of `wake` calls count as one. */
export interface WakeablePause {
  wake(): void
  /** Whether `wake` was called since the last time this was asked. */
  wasWoken(): boolean
  /** Returns after `ms` milliseconds, or at once when woken. */
  wait(ms: number): Promise<void>
}

export function createWakeablePause(): WakeablePause {
  let woken = false
  let end: (() => void) | undefined
  return {
    wake() {
      woken = true
      end?.()
    },
    wasWoken() {
      const was = woken
      woken = false
      return was
    },
    async wait(ms) {
      if (woken) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        end = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      end = undefined
    },
  }
}
