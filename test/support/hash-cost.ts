/** For stories with many passwords: what hashing costs is not what they are about. */
export const cheapHashes = { hashMemoryKiB: 1024 } as const
