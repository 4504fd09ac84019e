import { DirectiveLocation, GraphQLBoolean, GraphQLDirective, GraphQLInt, GraphQLNonNull, GraphQLString } from 'graphql'

const CONDITION = {
  type: new GraphQLNonNull(GraphQLBoolean),
  defaultValue: true,
  description: 'False to include the selection in the initial response.',
}
const LABEL = { type: GraphQLString, description: 'Identifies the part in the incremental response.' }

/** The directives of incremental delivery, so that the tools that read the SDL accept them. */
export const INCREMENTAL_DIRECTIVES: readonly GraphQLDirective[] = [
  new GraphQLDirective({
    name: 'defer',
    description: 'Delivers the fragment after the rest of the response.',
    locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
    args: { if: CONDITION, label: LABEL },
  }),
  new GraphQLDirective({
    name: 'stream',
    description: 'Delivers the items of a list after the rest of the response.',
    locations: [DirectiveLocation.FIELD],
    args: {
      if: CONDITION,
      label: LABEL,
      initialCount: { type: GraphQLInt, defaultValue: 0, description: 'Number of items in the initial response.' },
    },
  }),
]
