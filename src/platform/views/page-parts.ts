/* Parts of page contexts that need nothing of the others. */

export interface ConsentScope {
  /** What it lets the client do: our words, or those of the resource server. */
  readonly text: string
  readonly resourceServer?: string
  /** The user has allowed it before. */
  readonly allowed?: boolean
}

/** A piece of the sentence about the terms: words, or a link to a document. */
export interface TermsPart {
  readonly text: string
  readonly href?: string
  /** Tells that the link opens a tab of its own, since what is typed must not be lost. */
  readonly newTab?: string
}
