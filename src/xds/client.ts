import { backoffMs, type Logger } from '../base/index.ts';
import { type GrpcMessage, type JsonObject, messageOf } from '../model/envoy/index.ts';
import type { ProtocolForm, ResourceUpdate } from './client-cache.ts';
import { type Outgoing, openChannel, type StreamCall } from './client-channel.ts';
import { type ClientSubscription, createClientSubscription } from './client-subscription.ts';
import { textIn } from './message.ts';
import { resourceTypes } from './resource-types.ts';

export interface XdsClientOptions {
  /** gRPC target of the control plane: `unix:/path` or `host:port`. */
  readonly address: string;
  /** `envoy.config.core.v3.Node` as protobuf JSON; at least `id` and `cluster`. */
  readonly node: JsonObject;
  readonly form: ProtocolForm;
  /**
   * Puts an update into force and answers with the reason for each resource that cannot be, also those that are broken; of
   * those the last good version counts as kept.
   * An entry under '' refuses the response as a whole. Updates are handed over one at a time. Names that the update itself
   * makes necessary are to be subscribed before it returns, so that the control plane sees them before the acknowledgement.
   */
  readonly onUpdate: (
    typeUrl: string,
    update: ResourceUpdate,
  ) => ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>>;
  /** Called when a response holds something that is no valid resource of its type: nothing of it is handed over. */
  readonly onRefusal?: (typeUrl: string, reason: string) => void;
  /** Called when the stream starts and ends. */
  readonly onConnection?: (connected: boolean) => void;
  readonly log: Logger;
}

export interface XdsClient {
  /**
   * The names wanted of a type, replacing those before; listeners and clusters are wanted as a whole when `names` is absent.
   * Names that are no longer wanted are forgotten.
   */
  subscribe(typeUrl: string, names?: readonly string[]): void;
  /** Ends the stream and every attempt to start one. */
  close(): void;
}

const reconnect = { baseMs: 50, maxMs: 5000 };

/**
 * An ADS client. It starts at once and connects again with back-off for as long as it is open; what was accepted stays accepted while
 * there is no control plane.
 */
export function createXdsClient(options: XdsClientOptions): XdsClient {
  const { address, node, form, onConnection, log } = options;
  const channel = openChannel(address, form, reconnect);
  const nodeMessage = messageOf('envoy.config.core.v3.Node', node);
  const subscriptions = new Map<string, ClientSubscription>();
  let call: StreamCall | undefined;
  let timer: NodeJS.Timeout | undefined;
  let attempt = 0;
  let closed = false;
  let introduced = false;

  function send(message: Outgoing): void {
    if (!call) return;
    // The control plane remembers who speaks on a stream.
    call.write(introduced ? message : { ...message, fields: { ...message.fields, node: nodeMessage } });
    introduced = true;
  }

  function start(): void {
    if (closed) return;
    introduced = false;
    const opened = channel.openStream();
    call = opened;
    for (const { url } of resourceTypes) {
      const request = subscriptions.get(url)?.initialRequest();
      if (request) send(request);
    }
    void run(opened);
  }

  async function run(opened: StreamCall): Promise<void> {
    let reason = 'ended by the control plane';
    let connected = false;
    try {
      for await (const response of opened as AsyncIterable<GrpcMessage>) {
        if (!connected) onConnection?.(true);
        connected = true;
        attempt = 0;
        const subscription = subscriptions.get(textIn(response, 'type_url'));
        const answer = subscription && (await answerResponse(subscription, response, options));
        if (answer && call === opened && !closed) send(answer);
      }
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    if (call === opened) call = undefined;
    opened.cancel();
    if (closed) return;
    if (connected) onConnection?.(false);
    const delay = backoffMs(attempt++, reconnect);
    log[connected ? 'warn' : 'debug']({ address, reason, retryMs: delay }, 'no stream to the control plane');
    timer = setTimeout(start, delay);
  }

  timer = setTimeout(start, 0);

  return {
    subscribe(typeUrl, names) {
      const known = subscriptions.get(typeUrl);
      const subscription = known ?? createClientSubscription(typeUrl, form);
      subscriptions.set(typeUrl, subscription);
      const request = subscription.want(names);
      if (call && request) send(known ? request : (subscription.initialRequest() ?? request));
    },

    close() {
      closed = true;
      clearTimeout(timer);
      call?.cancel();
      channel.close();
    },
  };
}

/** Hands a response over and makes its ACK or NACK. */
async function answerResponse(
  subscription: ClientSubscription,
  response: GrpcMessage,
  { onUpdate, onRefusal, log }: Pick<XdsClientOptions, 'onUpdate' | 'onRefusal' | 'log'>,
): Promise<Outgoing> {
  const typeUrl = textIn(response, 'type_url');
  const read = subscription.read(response);
  if (!read.ok) {
    onRefusal?.(typeUrl, read.error);
    return subscription.answer(response, new Map([['', read.error]]));
  }
  try {
    return subscription.answer(response, await onUpdate(typeUrl, read.value));
  } catch (error) {
    log.error({ typeUrl, error }, 'an update could not be put into force');
    return subscription.answer(response, new Map([['', error instanceof Error ? error.message : String(error)]]));
  }
}
