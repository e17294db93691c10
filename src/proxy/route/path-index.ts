import type { StreamInfo } from '../http/stream-info.ts';
import { lowerAscii } from '../match/strings.ts';
import type { RouteMatch } from './match.ts';
import { nextNode, PrefixTree, type TreeNode } from './prefix-tree.ts';

/** Positions of routes in the order of the configuration. */
type Positions = readonly number[];

interface TextIndex {
  readonly exact: ReadonlyMap<string, Positions> | undefined;
  readonly prefixes: PrefixTree | undefined;
}

const NONE = Number.MAX_SAFE_INTEGER;

/**
 * Finds what an in-order scan would find, without looking at routes whose text cannot match: texts are found by hash or in a tree, and
 * of those that hold the first position wins; expressions are tried where their
 * literal beginning fits, the rest and templates in order, all only as far as a smaller position could win.
 */
export class PathIndex<R extends { readonly match: RouteMatch }> {
  readonly #routes: readonly R[];
  readonly #plain: TextIndex | undefined;
  readonly #folded: TextIndex | undefined;
  readonly #expressions: PrefixTree | undefined;
  readonly #others: Positions;
  readonly #connect: Positions;

  constructor(routes: readonly R[]) {
    this.#routes = routes;
    const positions = routes.map((_, position) => position);
    const of = (wanted: (match: RouteMatch) => boolean): Positions =>
      positions.filter((position) => wanted((routes[position] as R).match));
    const isText = ({ path }: RouteMatch): boolean =>
      path.kind === 'path' || path.kind === 'prefix' || path.kind === 'path_separated_prefix';
    this.#plain = buildTexts(
      routes,
      of((match) => isText(match) && match.path.caseSensitive),
      false,
    );
    this.#folded = buildTexts(
      routes,
      of((match) => isText(match) && !match.path.caseSensitive),
      true,
    );
    this.#expressions = buildExpressions(
      routes,
      of(({ path }) => path.literal !== ''),
    );
    this.#others = of(({ path }) => path.kind === 'template' || (path.kind === 'regex' && path.literal === ''));
    this.#connect = of(({ path }) => path.kind === 'connect');
  }

  /** `path`: without query and fragment; undefined for CONNECT, which has none. */
  find(path: string | undefined, info: StreamInfo, random: number): R | undefined {
    let best = NONE;
    if (path !== undefined) {
      if (this.#plain) best = this.#findText(this.#plain, path, info, random, best);
      if (this.#folded) best = this.#findText(this.#folded, lowerAscii(path), info, random, best);
      if (this.#expressions) best = this.#findExpression(this.#expressions, path, info, random, best);
      if (this.#others.length > 0) best = this.#scan(this.#others, path, info, random, best);
    }
    if (this.#connect.length > 0 && (path === undefined || isConnectUdp(info))) {
      best = this.#first(this.#connect, info, random, best);
    }
    return best === NONE ? undefined : this.#routes[best];
  }

  #findText(index: TextIndex, path: string, info: StreamInfo, random: number, limit: number): number {
    let best = limit;
    const exact = index.exact?.get(path);
    if (exact) best = this.#first(exact, info, random, best);
    const tree = index.prefixes;
    if (!tree) return best;
    for (let node: TreeNode | undefined = tree.root; node && node.first < best; node = nextNode(node, path)) {
      if (node.plain) best = this.#first(node.plain, info, random, best);
      if (node.separated && (node.depth === path.length || path.charCodeAt(node.depth) === 0x2f)) {
        best = this.#first(node.separated, info, random, best);
      }
    }
    return best;
  }

  #findExpression(tree: PrefixTree, path: string, info: StreamInfo, random: number, limit: number): number {
    let best = limit;
    for (let node: TreeNode | undefined = tree.root; node && node.first < best; node = nextNode(node, path)) {
      if (node.plain) best = this.#scan(node.plain, path, info, random, best);
    }
    return best;
  }

  /** The first of these positions whose conditions hold, or `limit`. */
  #first(positions: Positions, info: StreamInfo, random: number, limit: number): number {
    for (let at = 0; at < positions.length; at++) {
      const position = positions[at] as number;
      if (position >= limit) return limit;
      if (holds((this.#routes[position] as R).match, info, random)) return position;
    }
    return limit;
  }

  #scan(positions: Positions, path: string, info: StreamInfo, random: number, limit: number): number {
    for (let at = 0; at < positions.length; at++) {
      const position = positions[at] as number;
      if (position >= limit) return limit;
      const { match } = this.#routes[position] as R;
      if (match.path.test(path) && holds(match, info, random)) return position;
    }
    return limit;
  }
}

export function holds({ conditions }: RouteMatch, info: StreamInfo, random: number): boolean {
  for (let at = 0; at < conditions.length; at++) if (!conditions[at]?.(info, random)) return false;
  return true;
}

function isConnectUdp(info: StreamInfo): boolean {
  return info.request?.framing.upgrade?.toLowerCase() === 'connect-udp';
}

function buildTexts<R extends { readonly match: RouteMatch }>(
  routes: readonly R[],
  positions: Positions,
  folded: boolean,
): TextIndex | undefined {
  if (positions.length === 0) return undefined;
  const exact = new Map<string, number[]>();
  const prefixes = new PrefixTree();
  // What stands behind a route that always holds is never reached.
  const ended = new Set<number[]>();
  for (const position of positions) {
    const { path, conditions } = (routes[position] as R).match;
    const text = folded ? lowerAscii(path.text) : path.text;
    const list =
      path.kind === 'path'
        ? listOf(exact, text)
        : prefixes.listOf(text, path.kind === 'path_separated_prefix', position);
    if (ended.has(list)) continue;
    list.push(position);
    if (conditions.length === 0) ended.add(list);
  }
  return { exact: exact.size > 0 ? exact : undefined, prefixes: prefixes.empty ? undefined : prefixes };
}

function buildExpressions<R extends { readonly match: RouteMatch }>(
  routes: readonly R[],
  positions: Positions,
): PrefixTree | undefined {
  if (positions.length === 0) return undefined;
  const tree = new PrefixTree();
  for (const position of positions) {
    tree.listOf((routes[position] as R).match.path.literal, false, position).push(position);
  }
  return tree;
}

function listOf(map: Map<string, number[]>, text: string): number[] {
  const list = map.get(text) ?? [];
  map.set(text, list);
  return list;
}
