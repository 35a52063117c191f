import { serveCommand } from './serve.ts'

export async function runCommandLine(_argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  await serveCommand(env)
  return 0
}
