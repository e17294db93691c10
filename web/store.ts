import { addFlow, createServiceMap, type Edge, type ServiceMap } from './model/aggregate.ts';
import { type Flow, readFlow, type ShownFlow } from './model/flow.ts';
import { emptyLayout, extendLayout, type Layout } from './model/layout.ts';
import { rowsOf } from './model/rows.ts';
import { compileChoice } from './model/select.ts';
import { readUrlState, type UrlState, writeUrlState } from './model/url-state.ts';
import { createWindow, type Window } from './model/window.ts';
import { type FlowStream, openStream, readNamespaces, readSource, type Source } from './stream.ts';

/** Flows that a live page keeps. */
const liveCapacity = 20_000;
/** Flows that a recording's page keeps; of a longer one the last. */
const recordingCapacity = 100_000;

/** Namespaces that can be chosen from. */
const mostNamespaces = 500;

/** Least milliseconds between two drawings of what only flows have changed: at a high rate nobody could read more of them. */
const flowsDrawnMs = 200;
/** Milliseconds after the stream was opened in which cards may still be arranged anew. */
const settlingMs = 2_000;

/** Everything that the page shows. Read while drawing, changed only by the store's functions. */
export interface State {
  url: UrlState;
  source: Source | undefined;
  connection: 'connecting' | 'streaming' | 'ended' | 'paused' | 'waiting';
  /** What is wrong with the filter or the connection. */
  fault: string | undefined;
  received: Window<ShownFlow>;
  shown: Window<ShownFlow>;
  map: ServiceMap;
  layout: Layout;
  /** Goes up when a card, port, call or arrow comes. */
  shape: number;
  lost: { readonly browser: number; readonly server: number };
  namespaces: ReadonlySet<string>;
  selectedFlow: ShownFlow | undefined;
  selectedCard: string | undefined;
  /** Milliseconds since the epoch up to which a recording is shown; undefined for a live page. */
  cursorMs: number | undefined;
}

export interface Store {
  readonly state: State;
  /** The time of what is shown. */
  readonly nowMs: () => number;
  readonly changeUrl: (change: Partial<UrlState>) => void;
  readonly select: (selected: { flow?: ShownFlow | undefined; card?: string | undefined }) => void;
  readonly togglePause: () => void;
  readonly tidy: () => void;
  readonly moveCursor: (timeMs: number) => void;
  /** First and last time of what was received. */
  readonly span: () => { readonly from: number; readonly to: number };
  /** Calls `draw` after changes: in the next animation frame, and for changes by flows only so often. */
  readonly subscribe: (draw: () => void) => () => void;
  readonly start: () => Promise<void>;
}

function emptyState(): State {
  return {
    url: readUrlState(location.search),
    source: undefined,
    connection: 'connecting',
    fault: undefined,
    received: createWindow(liveCapacity),
    shown: createWindow(liveCapacity),
    map: createServiceMap(),
    layout: emptyLayout,
    shape: 0,
    lost: { browser: 0, server: 0 },
    namespaces: new Set(),
    selectedFlow: undefined,
    selectedCard: undefined,
    cursorMs: undefined,
  };
}

export function createStore(): Store {
  const state = emptyState();
  const { subscribe, changed, flowsChanged } = createFrames(() => {
    if (isGrown) place();
  });
  let stream: FlowStream | undefined;
  let source: Promise<Source | undefined> = Promise.resolve(undefined);
  let isChosen = compileChoice(state.url);
  /** Until then cards are arranged again as more of the flows before the page come in; after that none moves. */
  let settledAtMs = 0;
  /** Whether the map has something that has no place yet. It gets one when it is drawn, with all that has come until then. */
  let isGrown = false;
  /** Number of the first received flow that is not shown yet: those that came while paused, or after the cursor of a recording. */
  let shownTo = 0;

  const capacity = (): number => (state.source?.kind === 'recording' ? recordingCapacity : liveCapacity);

  /** Shows what was received again, after the choice or the cursor has changed. */
  const rebuild = (keepLayout: boolean): void => {
    state.shown = createWindow(capacity());
    state.map = createServiceMap();
    if (!keepLayout) state.layout = emptyLayout;
    shownTo = state.received.first();
    showReceived();
    place();
    changed();
  };
  /** Shows what was received since, up to the cursor; true when the map has grown. A recording is in the order of time but for what its nodes differ by. */
  const showReceived = (): boolean => {
    let grown = false;
    for (; shownTo < state.received.end(); shownTo++) {
      const each = state.received.get(shownTo);
      if (!each) continue;
      if (state.cursorMs !== undefined && each.timeMs > state.cursorMs) break;
      if (show(each)) grown = true;
    }
    return grown;
  };
  const show = (each: ShownFlow): boolean => {
    if (!isChosen(each)) return false;
    state.shown.push(each);
    return addFlow(state.map, each);
  };
  const place = (): void => {
    isGrown = false;
    state.shape++;
    if (Date.now() < settledAtMs) state.layout = emptyLayout;
    const cards = [...state.map.cards.values()].map((card) => ({
      key: card.key,
      namespace: card.party.namespace,
      rows: rowsOf(card).length,
    }));
    state.layout = extendLayout(state.layout, cards, [...state.map.edges.values()] as Edge[]);
  };
  const addNamespaces = (names: readonly string[]): void => {
    const fresh = names.filter((name) => name !== '' && !state.namespaces.has(name));
    if (fresh.length > 0) state.namespaces = new Set([...state.namespaces, ...fresh].slice(0, mostNamespaces));
  };
  const receive = (flows: readonly Flow[]): void => {
    for (const flow of flows) {
      const each = readFlow(flow);
      state.received.push(each);
      addNamespaces([each.client.namespace, each.server.namespace]);
    }
    if (state.connection !== 'paused' && showReceived()) isGrown = true;
    flowsChanged();
  };
  const forget = (): void => {
    state.received = createWindow(capacity());
    state.fault = undefined;
    state.connection = 'connecting';
    state.lost = { browser: 0, server: 0 };
    if (state.source?.kind === 'recording') state.cursorMs = Number.MAX_SAFE_INTEGER;
    rebuild(false);
    settledAtMs = Date.now() + settlingMs;
  };
  const connect = (): void => {
    stream?.close();
    forget();
    stream = openStream(state.url.filter, source, {
      flows: (flows) => {
        if (state.connection !== 'paused') state.connection = 'streaming';
        state.fault = undefined;
        receive(flows);
      },
      opened: () => {
        if (state.connection !== 'paused') state.connection = 'streaming';
        changed();
      },
      lost: (lost) => {
        state.lost = lost;
        changed();
      },
      fault: (message, retries) => {
        state.fault = message;
        state.connection = retries ? 'waiting' : 'ended';
        changed();
      },
      restarted: () => {
        state.received = createWindow(capacity());
        rebuild(true);
      },
      ended: () => {
        state.connection = 'ended';
        if (state.cursorMs !== undefined) state.cursorMs = span().to;
        // All that a recording has is known now, so its cards get room for all that they will show.
        rebuild(false);
      },
    });
  };
  const span = (): { from: number; to: number } => {
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (const { timeMs } of state.received) {
      if (timeMs < from) from = timeMs;
      if (timeMs > to) to = timeMs;
    }
    return to === 0 ? { from: 0, to: 0 } : { from, to };
  };
  return {
    state,
    nowMs: () => {
      if (state.cursorMs === undefined) return Date.now();
      return state.cursorMs === Number.MAX_SAFE_INTEGER ? span().to : state.cursorMs;
    },
    changeUrl(change) {
      const before = state.url;
      state.url = { ...before, ...change };
      history.replaceState(null, '', `${location.pathname}${writeUrlState(state.url)}`);
      isChosen = compileChoice(state.url);
      if (state.url.filter !== before.filter) connect();
      else rebuild(false);
    },
    select({ flow, card }) {
      state.selectedFlow = flow;
      state.selectedCard = card;
      changed();
    },
    togglePause() {
      if (state.connection === 'paused') {
        state.connection = 'streaming';
        rebuild(true);
      } else if (state.connection === 'streaming') state.connection = 'paused';
      changed();
    },
    tidy: () => rebuild(false),
    moveCursor(timeMs) {
      const isLater = state.cursorMs !== undefined && timeMs >= state.cursorMs;
      state.cursorMs = timeMs;
      if (!isLater) {
        rebuild(true);
        return;
      }
      if (showReceived()) place();
      changed();
    },
    span,
    subscribe,
    async start() {
      // Flows are asked for at once: they come while it is still found out where they come from.
      source = readSource();
      const known = source.then((found) => {
        state.source = found;
        forget();
      });
      connect();
      await known;
      // Later, as asking for them takes the server's time for the first flows.
      setTimeout(async () => addNamespaces(await readNamespaces()), settlingMs);
      // Rates fall when nothing comes, and the map may owe a drawing.
      setInterval(flowsChanged, 500);
    },
  };
}

interface Frames {
  readonly subscribe: Store['subscribe'];
  readonly changed: () => void;
  readonly flowsChanged: () => void;
}

/** `prepare` is called before each drawing. */
function createFrames(prepare: () => void): Frames {
  const listeners = new Set<() => void>();
  let isAsked = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let drawnAtMs = 0;
  const changed = (): void => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame((nowMs) => {
      isAsked = false;
      drawnAtMs = nowMs;
      clearTimeout(timer);
      timer = undefined;
      prepare();
      for (const draw of listeners) draw();
    });
  };
  return {
    subscribe(draw) {
      listeners.add(draw);
      return () => listeners.delete(draw);
    },
    changed,
    flowsChanged() {
      timer ??= setTimeout(changed, Math.max(0, drawnAtMs + flowsDrawnMs - performance.now()));
    },
  };
}
