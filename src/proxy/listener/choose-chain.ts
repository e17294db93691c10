import type { Fields } from '../config/fields.ts';
import type { ConnectionPeers } from '../http/stream-info.ts';
import { CHAIN_INPUTS, type ChainSubject } from '../match/tree/inputs.ts';
import { readMatcher } from '../match/tree/tree.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';
import { type ChainMatch, selectChain } from './chain-match.ts';

/** The name of the chain for a connection; undefined: the tree says nothing of it. */
export type ChainTree = (subject: ChainSubject) => string | undefined;

interface Chain {
  readonly name: string;
  readonly match: ChainMatch;
}

interface Chains<T extends Chain> {
  readonly chains: readonly T[];
  readonly defaultChain: T | undefined;
  /** In the place of what the chains say themselves. */
  readonly chainTree: ChainTree | undefined;
}

/** Reads the `filter_chain_matcher` of a listener, whose actions are names of chains. */
export function readChainTree(
  fields: Fields,
  { runtime, stats }: { readonly runtime: Runtime; readonly stats: StatsScope },
): ChainTree | undefined {
  const actions = new Map([['google.protobuf.StringValue', (config: Fields): string => config.text('value')]]);
  const refuseInput = (type: string): string => `cannot create a filter chain matcher with the input '${type}'`;
  return fields.message('filter_chain_matcher', (inner) =>
    readMatcher(inner, { inputs: CHAIN_INPUTS, refuseInput, actions, runtime, stats }),
  );
}

/** A tree tells chains apart by their names. */
export function refuseNameless(chains: readonly Chain[], listener: string, fields: Fields): void {
  const seen = new Set<string>();
  for (const [index, { name }] of chains.entries()) {
    const fault =
      name === ''
        ? '"name" field is required when using a listener matcher'
        : seen.has(name)
          ? `"name" field is duplicated with value '${name}'`
          : undefined;
    seen.add(name);
    if (fault !== undefined)
      fields.problem(`filter_chains[${index}].name`, `error adding listener '${listener}': ${fault}`);
  }
}

const byName = new WeakMap<readonly Chain[], ReadonlyMap<string, Chain>>();

/** The chain for a connection of the plain-text protocol that an inspector found (empty: none); undefined: there is none for it. */
export function chooseChain<T extends Chain>(
  { chains, defaultChain, chainTree }: Chains<T>,
  peers: ConnectionPeers,
  protocol: string,
): T | undefined {
  if (!chainTree) return selectChain(chains, peers, protocol) ?? defaultChain;
  const name = chainTree({ peers, protocol });
  if (name === undefined) return defaultChain;
  const named =
    (byName.get(chains) as ReadonlyMap<string, T> | undefined) ?? new Map(chains.map((one) => [one.name, one]));
  byName.set(chains, named);
  return named.get(name);
}
