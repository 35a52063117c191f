type OptionalKey<Members> = { [Key in keyof Members]: undefined extends Members[Key] ? Key : never }[keyof Members]

/** Members that may be absent are absent, and not there as undefined. */
export type Given<Members> = Omit<Members, OptionalKey<Members>> & {
  [Key in OptionalKey<Members>]?: Exclude<Members[Key], undefined>
}

export const given = <Members extends object>(members: Members): Given<Members> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<Members>
