/** A place in the tree: the texts that lead here are prefixes of all below. */
export class TreeNode {
  /** Length of the text from the root to here. */
  readonly depth: number;
  /** The end of that text: what the way from the parent adds. */
  label: string;
  /** The smallest position here or below. */
  first: number;
  /** Positions of prefixes that end here, ascending. */
  plain: number[] | undefined = undefined;
  /** The same of prefixes that must be followed by a slash or nothing. */
  separated: number[] | undefined = undefined;
  /** Children by their label's first character less `base`. */
  children: (TreeNode | undefined)[] | undefined = undefined;
  base = 0;

  constructor(depth: number, label: string, first: number) {
    this.depth = depth;
    this.label = label;
    this.first = first;
  }
}

/** Prefixes by their text, as a radix tree: what matches a path lies on one way down, whatever the number of prefixes. */
export class PrefixTree {
  readonly root = new TreeNode(0, '', Number.MAX_SAFE_INTEGER);

  get empty(): boolean {
    return this.root.first === Number.MAX_SAFE_INTEGER;
  }

  /** The list of positions for a prefix, to be added to in ascending order. `position`: the next one that comes. */
  listOf(text: string, separated: boolean, position: number): number[] {
    const node = this.#nodeOf(text, position);
    const key = separated ? 'separated' : 'plain';
    const list = node[key] ?? [];
    node[key] = list;
    return list;
  }

  #nodeOf(text: string, position: number): TreeNode {
    let node = this.root;
    node.first = Math.min(node.first, position);
    while (node.depth < text.length) {
      const rest = text.slice(node.depth);
      const child = childOf(node, rest.charCodeAt(0));
      if (!child) {
        const leaf = new TreeNode(text.length, rest, position);
        setChild(node, leaf);
        return leaf;
      }
      const common = commonLength(child.label, rest);
      node = common === child.label.length ? child : split(node, child, common);
      node.first = Math.min(node.first, position);
    }
    return node;
  }
}

/** The child that a path leads to. */
export function nextNode(node: TreeNode, path: string): TreeNode | undefined {
  const { children, depth } = node;
  if (!children || depth >= path.length) return undefined;
  const slot = path.charCodeAt(depth) - node.base;
  // A negative index would be looked up as a name.
  const child = slot < 0 ? undefined : children[slot];
  if (!child || child.depth > path.length) return undefined;
  const { label } = child;
  for (let at = 1; at < label.length; at++) if (path.charCodeAt(depth + at) !== label.charCodeAt(at)) return undefined;
  return child;
}

/** The same for a tree of suffixes, each from its end to its beginning. */
export function previousNode(node: TreeNode, text: string): TreeNode | undefined {
  const { children, depth } = node;
  const last = text.length - 1 - depth;
  if (!children || last < 0) return undefined;
  const slot = text.charCodeAt(last) - node.base;
  const child = slot < 0 ? undefined : children[slot];
  if (!child || child.depth > text.length) return undefined;
  const { label } = child;
  for (let at = 1; at < label.length; at++) if (text.charCodeAt(last - at) !== label.charCodeAt(at)) return undefined;
  return child;
}

/** Puts a node between a child and its parent. */
function split(parent: TreeNode, child: TreeNode, common: number): TreeNode {
  const middle = new TreeNode(parent.depth + common, child.label.slice(0, common), child.first);
  child.label = child.label.slice(common);
  setChild(middle, child);
  setChild(parent, middle);
  return middle;
}

function childOf(node: TreeNode, code: number): TreeNode | undefined {
  return code < node.base ? undefined : node.children?.[code - node.base];
}

function setChild(node: TreeNode, child: TreeNode): void {
  const code = child.label.charCodeAt(0);
  const { children, base } = node;
  if (!children) {
    node.base = code;
    node.children = [child];
    return;
  }
  if (code < base) {
    node.children = [child, ...new Array<undefined>(base - code - 1).fill(undefined), ...children];
    node.base = code;
    return;
  }
  while (children.length <= code - base) children.push(undefined);
  children[code - base] = child;
}

function commonLength(left: string, right: string): number {
  const end = Math.min(left.length, right.length);
  for (let at = 0; at < end; at++) if (left.charCodeAt(at) !== right.charCodeAt(at)) return at;
  return end;
}
