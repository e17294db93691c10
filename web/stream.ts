import type { Flow } from './model/flow.ts';

export interface Source {
  readonly kind: 'live' | 'recording';
  readonly name: string;
}

export async function readSource(): Promise<Source | undefined> {
  try {
    const response = await fetch('api/source');
    return response.ok ? ((await response.json()) as Source) : undefined;
  } catch {
    return undefined;
  }
}

/** The namespaces that Hubble knows; none when it cannot be asked. */
export async function readNamespaces(): Promise<readonly string[]> {
  try {
    const response = await fetch('api/namespaces');
    return response.ok ? ((await response.json()) as string[]) : [];
  } catch {
    return [];
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

/** Opens the server's stream of flows for a filter, and again when the server was away. Tells nothing before `source` is known. */
export function openStream(filter: string, source: Promise<Source | undefined>, listener: StreamListener): FlowStream {
  let events: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAgain = false;
  const leave = (): void => {
    events?.close();
    events = undefined;
  };
  const again = (): void => {
    leave();
    timer = setTimeout(open, retryMs);
  };
  const open = (): void => {
    const opened = new EventSource(`api/flows?filter=${encodeURIComponent(filter)}`);
    events = opened;
    const on = (name: string, hear: (data: string, source: Source | undefined) => void): void =>
      opened.addEventListener(name, async (event) => {
        const known = await source;
        if (events === opened) hear((event as MessageEvent<string>).data, known);
      });
    let isTold = false;
    const first = (): void => {
      if (isTold) return;
      isTold = true;
      if (isAgain) listener.restarted();
      isAgain = true;
      listener.opened();
    };
    on('open', () => {
      if (!isAgain) first();
    });
    on('flows', (data) => {
      first();
      listener.flows(readLines(data));
    });
    on('lost', (data) => listener.lost(JSON.parse(data)));
    on('fault', (data) => {
      const { message, retry } = JSON.parse(data) as { message: string; retry: boolean };
      listener.fault(message, retry);
      if (retry) again();
      else leave();
    });
    on('end', (_, known) => {
      // A live stream ends where its server does, and that may come back.
      if (known?.kind !== 'recording') return again();
      leave();
      listener.ended();
    });
    on('error', () => {
      listener.fault('ciliate ui does not answer', true);
      again();
    });
  };
  open();
  return {
    close() {
      clearTimeout(timer);
      leave();
    },
  };
}

function readLines(text: string): Flow[] {
  return text.split('\n').map((line) => JSON.parse(line) as Flow);
}
