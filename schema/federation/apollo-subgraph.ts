// A file of its own, because `import()` of a CommonJS package has no named exports in a bundle.
export { printSubgraphSchema } from '@apollo/subgraph'
