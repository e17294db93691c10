import type { Flow } from './model/flow.ts';

export interface Source {
  readonly kind: 'live' | 'recording';
  readonly name: string;
  readonly namespaces: readonly string[];
}

export async function readSource(): Promise<Source | undefined> {
  try {
    const response = await fetch('api/source');
    return response.ok ? ((await response.json()) as Source) : undefined;
  } catch {
    return undefined;
  }
}

export interface StreamListener {
  readonly flows: (flows: readonly Flow[]) => void;
  readonly opened: () => void;
  readonly lost: (lost: { readonly browser: number; readonly server: number }) => void;
  readonly fault: (message: string, retries: boolean) => void;
  /** The stream begins again with flows that may have come before. */
  readonly restarted: () => void;
  readonly ended: () => void;
}

export interface FlowStream {
  readonly close: () => void;
}

const retryMs = 2_000;

/** Opens the server's stream of flows for a filter, and again when the server was away. */
export function openStream(filter: string, isLive: boolean, listener: StreamListener): FlowStream {
  let events: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let isAgain = false;
  const again = (): void => {
    events?.close();
    if (!closed) timer = setTimeout(open, retryMs);
  };
  const open = (): void => {
    let opened = false;
    events = new EventSource(`api/flows?filter=${encodeURIComponent(filter)}`);
    const first = (): void => {
      if (opened) return;
      opened = true;
      if (isAgain) listener.restarted();
      isAgain = true;
      listener.opened();
    };
    events.addEventListener('open', () => {
      if (!isAgain) first();
    });
    events.addEventListener('flows', (event) => {
      first();
      listener.flows(readLines(event.data as string));
    });
    events.addEventListener('lost', (event) => listener.lost(JSON.parse(event.data as string)));
    events.addEventListener('fault', (event) => {
      const { message, retry } = JSON.parse(event.data as string) as { message: string; retry: boolean };
      listener.fault(message, retry);
      if (retry) again();
      else events?.close();
    });
    events.addEventListener('end', () => {
      events?.close();
      // A live stream ends where its server does, and that may come back.
      if (isLive) again();
      else listener.ended();
    });
    events.addEventListener('error', () => {
      listener.fault('ciliate ui does not answer', true);
      again();
    });
  };
  open();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      events?.close();
    },
  };
}

function readLines(text: string): Flow[] {
  return text.split('\n').map((line) => JSON.parse(line) as Flow);
}
