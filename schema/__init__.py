"""What a client can see: types, inputs, problems, pages. Behaviour lives in `resolvers`."""
