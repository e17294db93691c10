/**
 * Places cards on plates. A plate holds the cards of one namespace, in columns from clients to servers; plates stand in stages, those that
 * ask to the left of those that are asked. What is placed never moves: a plate that has no room below it is continued by another one.
 * What has no namespace stands on two plates of its own: what asks, such as nodes, and what is only asked.
 */

export const cardWidth = 232;
export const headerHeight = 46;
export const rowHeight = 20;
const footHeight = 8;
export const columnGap = 124;
const cardGap = 24;
const stageGap = 112;
const plateGap = 26;
const platePadding = 18;
/** Height of a plate's title above its first card. */
const plateTitle = 30;
const mostSlotRows = 9;
/** Room for rows that come later: of a card that serves something, and of one that only asks. */
const leastServerRows = 3;
const leastClientRows = 1;

/** A plate has no more columns and the map no more stages than these: longer chains of calls share them. */
const mostColumns = 4;
const mostStages = 6;

/** Groups of what has no namespace. No namespace is called so. */
export const askingGroup = '<';
export const askedGroup = '>';

export interface CardToPlace {
  readonly key: string;
  readonly namespace: string;
  /** Rows that the card has now. */
  readonly rows: number;
}

export interface Link {
  readonly from: string;
  readonly to: string;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly height: number;
  /** Rows that fit. */
  readonly rows: number;
  /** The namespace, or one of the two groups outside. */
  readonly group: string;
  readonly column: number;
}

export interface Plate {
  readonly group: string;
  readonly stage: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly places: ReadonlyMap<string, Place>;
  readonly plates: readonly Plate[];
  /** Columns of each stage. */
  readonly stages: readonly number[];
}

export const emptyLayout: Layout = { places: new Map(), plates: [], stages: [] };

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const rank = (group: string): number => (group === askingGroup ? 0 : group === askedGroup ? 2 : 1);

/** Height of a card that shows so many rows. */
export function cardHeight(rows: number): number {
  return headerHeight + rows * rowHeight + (rows > 0 ? footHeight : 0);
}

/** The layout with places for the cards that have none; the same object when every card has one. */
export function extendLayout(layout: Layout, cards: readonly CardToPlace[], links: readonly Link[]): Layout {
  const fresh = cards.filter(({ key }) => !layout.places.has(key)).sort((a, b) => order(a.key, b.key));
  if (fresh.length === 0) return layout;
  const groupOf = groupsOf(layout, cards, links);
  const inGroup = depths(
    fresh.map(({ key }) => key),
    links.filter(({ from, to }) => groupOf.get(from) === groupOf.get(to)),
    (key) => layout.places.get(key)?.column,
    mostColumns,
  );
  const groups = [...new Set(fresh.map(({ key }) => groupOf.get(key) ?? ''))];
  groups.sort((a, b) => rank(a) - rank(b) || order(a, b));
  const stageOf = depths(
    groups,
    links.map(({ from, to }) => ({ from: groupOf.get(from) ?? '', to: groupOf.get(to) ?? '' })),
    (group) => (group === askingGroup ? 0 : layout.plates.find((plate) => plate.group === group)?.stage),
    mostStages,
  );
  const columnsOfGroup = (group: string): number => {
    const columns = fresh.filter(({ key }) => groupOf.get(key) === group).map(({ key }) => inGroup.get(key) ?? 0);
    return Math.max(0, ...columns) + 1;
  };
  const stages = extendStages(
    layout.stages,
    groups.map((group) => ({ stage: stageOf.get(group) ?? 0, columns: columnsOfGroup(group) })),
  );
  const plates = [...layout.plates];
  const places = new Map(layout.places);
  for (const group of groups) {
    const stage = stageOf.get(group) ?? 0;
    for (const { key, rows } of fresh.filter((card) => groupOf.get(card.key) === group)) {
      const column = Math.min(inGroup.get(key) ?? 0, (stages[stage] ?? 1) - 1);
      placeCard({ plates, places, stages }, { key, rows, group, stage, column });
    }
  }
  return { places, plates, stages };
}

function groupsOf(layout: Layout, cards: readonly CardToPlace[], links: readonly Link[]): ReadonlyMap<string, string> {
  const asking = new Set(links.filter(({ from, to }) => from !== to).map(({ from }) => from));
  return new Map(
    cards.map(({ key, namespace }) => {
      const outside = asking.has(key) ? askingGroup : askedGroup;
      return [key, layout.places.get(key)?.group ?? (namespace === '' ? outside : namespace)];
    }),
  );
}

/**
 * The depth of each node: one more than that of its deepest client; `fixed` gives those that are decided already.
 * What is deeper than `most` allows is spread over what it does allow, in the same order.
 */
function depths(
  nodes: readonly string[],
  links: readonly Link[],
  fixed: (node: string) => number | undefined,
  most: number,
): ReadonlyMap<string, number> {
  const clients = new Map<string, string[]>();
  for (const { from, to } of links) {
    if (from === to) continue;
    const known = clients.get(to);
    if (known) known.push(from);
    else clients.set(to, [from]);
  }
  const found = new Map<string, number>();
  const visiting = new Set<string>();
  const depthOf = (node: string): number => {
    const known = fixed(node) ?? found.get(node);
    if (known !== undefined) return known;
    // A circle of calls has no first one; the one that is asked first becomes it.
    if (visiting.has(node)) return -1;
    visiting.add(node);
    const depth = Math.max(-1, ...(clients.get(node) ?? []).map(depthOf)) + 1;
    visiting.delete(node);
    found.set(node, depth);
    return depth;
  };
  const depths = nodes.map((node) => [node, depthOf(node)] as const);
  const deepest = Math.max(0, ...depths.map(([, depth]) => depth));
  if (deepest < most) return new Map(depths);
  return new Map(depths.map(([node, depth]) => [node, Math.floor((depth * most) / (deepest + 1))]));
}

/** Stages for all that is wanted. Only the last one may still grow, as the others have neighbours. */
function extendStages(
  stages: readonly number[],
  wanted: readonly { readonly stage: number; readonly columns: number }[],
): number[] {
  const out = [...stages];
  for (const { stage, columns } of wanted) {
    while (out.length <= stage) out.push(1);
    if (stage >= stages.length - 1) out[stage] = Math.max(out[stage] ?? 1, columns);
  }
  return out;
}

function widthOf(columns: number): number {
  return 2 * platePadding + columns * cardWidth + (columns - 1) * columnGap;
}

interface Board {
  readonly plates: Plate[];
  readonly places: Map<string, Place>;
  readonly stages: readonly number[];
}

interface Wanted {
  readonly key: string;
  readonly rows: number;
  readonly group: string;
  readonly stage: number;
  readonly column: number;
}

/** Puts a card below the others of its column, on the last plate of its group when there is room, else on a new one. */
function placeCard({ plates, places, stages }: Board, { key, rows, group, stage, column }: Wanted): void {
  const slotRows = rows === 0 ? leastClientRows : Math.max(leastServerRows, Math.min(rows + 1, mostSlotRows));
  const height = cardHeight(slotRows);
  const ofStage = plates.filter((plate) => plate.stage === stage);
  let plate = ofStage.findLast((each) => each.group === group);
  let y = plate ? nextTop(plate, column, places) : 0;
  const below = plate && ofStage.find((each) => each.y > (plate?.y ?? 0));
  if (!plate || (below && y + height + platePadding + plateGap > below.y)) {
    const last = ofStage.at(-1);
    const x = stages.slice(0, stage).reduce((sum, columns) => sum + widthOf(columns) + stageGap, 0);
    const top = last ? last.y + last.height + plateGap : 0;
    plate = { group, stage, x, y: top, width: 0, height: 0 };
    plates.push(plate);
    y = top + plateTitle + platePadding;
  }
  plates[plates.indexOf(plate)] = {
    ...plate,
    width: Math.max(plate.width, widthOf(column + 1)),
    height: Math.max(plate.height, y + height + platePadding - plate.y),
  };
  const x = plate.x + platePadding + column * (cardWidth + columnGap);
  places.set(key, { x, y, height, rows: slotRows, group, column });
}

/** Below the last card of a column of a plate. */
function nextTop(plate: Plate, column: number, places: ReadonlyMap<string, Place>): number {
  let top = plate.y + plateTitle + platePadding;
  for (const place of places.values()) {
    const isThere = place.group === plate.group && place.column === column;
    if (isThere && place.y > plate.y && place.y < plate.y + plate.height) {
      top = Math.max(top, place.y + place.height + cardGap);
    }
  }
  return top;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The box around everything. */
export function extent({ plates }: Layout): Box {
  const right = Math.max(1, ...plates.map(({ x, width }) => x + width));
  const bottom = Math.max(1, ...plates.map(({ y, height }) => y + height));
  return { x: 0, y: 0, width: right, height: bottom };
}
