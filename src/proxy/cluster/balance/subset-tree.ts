import type { MetadataCriterion } from '../context.ts';
import { criterionKey } from './criteria.ts';
import type { SubsetSelector } from './policy.ts';

/** A place in the tree of subsets: reached by names and values in turn. */
export interface SubsetNode<T> {
  readonly children: Map<string, Map<string, SubsetNode<T>>>;
  subset: T | undefined;
}

export function newNode<T>(): SubsetNode<T> {
  return { children: new Map(), subset: undefined };
}

/** The node of these names and value keys, made when it is not there. */
export function growNode<T>(root: SubsetNode<T>, names: readonly string[], values: readonly string[]): SubsetNode<T> {
  let node = root;
  for (const [index, name] of names.entries()) {
    const value = values[index] as string;
    let byValue = node.children.get(name);
    if (!byValue) {
      byValue = new Map();
      node.children.set(name, byValue);
    }
    let next = byValue.get(value);
    if (!next) {
      next = newNode();
      byValue.set(value, next);
    }
    node = next;
  }
  return node;
}

/** The node that exactly these criteria, sorted by name, lead to. */
export function findNode<T>(root: SubsetNode<T>, criteria: readonly MetadataCriterion[]): SubsetNode<T> | undefined {
  if (criteria.length === 0) return undefined;
  let node: SubsetNode<T> | undefined = root;
  for (const criterion of criteria) {
    node = node.children.get(criterion.name)?.get(criterionKey(criterion));
    if (!node) return undefined;
  }
  return node;
}

/** Calls `visit` for every subset; those for which it answers false are taken out, with the branches that lead nowhere then. */
export function pruneSubsets<T>(node: SubsetNode<T>, visit: (subset: T) => boolean): void {
  for (const [name, byValue] of node.children) {
    for (const [value, child] of byValue) {
      if (child.subset !== undefined && !visit(child.subset)) child.subset = undefined;
      pruneSubsets(child, visit);
      if (child.subset === undefined && child.children.size === 0) byValue.delete(value);
    }
    if (byValue.size === 0) node.children.delete(name);
  }
}

interface SelectorNode {
  readonly children: Map<string, SelectorNode>;
  selector: SubsetSelector | undefined;
}

/**
 * Finds the selector whose keys are exactly the names of the criteria, for its fallback. As in Envoy a selector whose keys begin one
 * that stands before it in the list is not found.
 */
export function selectorFinder(
  selectors: readonly SubsetSelector[],
): (criteria: readonly MetadataCriterion[]) => SubsetSelector | undefined {
  const root: SelectorNode = { children: new Map(), selector: undefined };
  for (const selector of selectors) {
    let node = root;
    for (const [index, key] of selector.keys.entries()) {
      let next = node.children.get(key);
      if (!next) {
        next = { children: new Map(), selector: index + 1 === selector.keys.length ? selector : undefined };
        node.children.set(key, next);
      }
      node = next;
    }
  }
  return (criteria) => {
    let node: SelectorNode | undefined = root;
    for (const { name } of criteria) {
      node = node.children.get(name);
      if (!node) return undefined;
    }
    return node.selector;
  };
}
