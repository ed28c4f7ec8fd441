/** The tabs with which the playground opens the first time. */

const campaigns = `# Campaigns and how far their stages are.
query Campaigns {
  campaigns(first: 10) {
    nodes {
      id
      name
      state
      stages {
        id
        name
        kind
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const changes = `# Everything that happens, as it happens. To go on from a cursor: after: "…".
subscription Changes {
  changes {
    cursor
    message
  }
}
`;

export const examples: readonly { readonly query: string }[] = [
  { query: campaigns },
  { query: changes },
];
