/** What a member can do, in the order of its preference. */
export interface Voter {
  readonly protocols: readonly { readonly name: string }[];
}

/** Names that every voter supports, in the order of the first one's preference. */
export function commonProtocols(voters: readonly Voter[]): string[] {
  const [first, ...others] = voters;
  if (first === undefined) return [];
  return first.protocols.map(({ name }) => name).filter((name) => others.every((voter) => supports(voter, name)));
}

/** Each voter votes for the common protocol that it likes best; the most votes win. There must be a common one. */
export function chooseProtocol(voters: readonly Voter[]): string | undefined {
  const candidates = commonProtocols(voters);
  const votes = new Map<string, number>();
  for (const { protocols } of voters) {
    const vote = protocols.find(({ name }) => candidates.includes(name))?.name;
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1);
  }
  let winner: string | undefined;
  for (const name of candidates) {
    if (winner === undefined || (votes.get(name) ?? 0) > (votes.get(winner) ?? 0)) winner = name;
  }
  return winner;
}

function supports({ protocols }: Voter, name: string): boolean {
  return protocols.some((protocol) => protocol.name === name);
}
