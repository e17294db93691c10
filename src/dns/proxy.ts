import { fail, type Issue, type Logger, ok, type Result } from '../base/index.ts';
import type { DnsEvent } from '../model/flow/index.ts';
import { type DnsPlan, dnsVerdict, type Identity } from '../plan/index.ts';
import { type Answer, emptyAnswer, type Question, rcodes, readAnswer, readQuestion } from './message.ts';
import { openTcpFront } from './tcp-front.ts';
import { openUdpFront } from './udp-front.ts';
import { exchangeTcp, exchangeUdp } from './upstream.ts';

export interface DnsProxyOptions {
  /** UDP and TCP port on the node's loopback that redirects lead to. */
  readonly port: number;
  /** What is allowed now; asked for each query. */
  readonly plan: () => DnsPlan;
  readonly identityOf: (address: string) => Identity;
  readonly onEvent: (event: DnsEvent) => void;
  /** An allowed answer's addresses. The pod gets the answer when this has resolved, or after `maxDelayMs`. */
  readonly onLearnt: (answer: ReceivedAnswer) => Promise<void> | void;
  /** What a query that no rule allows is answered with; asked for each. */
  readonly rejectCode: () => RejectCode;
  /** Cilium's `tofqdns-proxy-response-max-delay`, in milliseconds; asked for each. */
  readonly maxDelayMs: () => number;
  readonly log: Logger;
}

/** Cilium's `tofqdns-dns-reject-response-code`: REFUSED or NXDOMAIN. */
export type RejectCode = 'refused' | 'nameError';

/** `endpoint`: the address of the pod that asked. */
export interface ReceivedAnswer {
  readonly endpoint: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

export interface DnsProxy {
  start(): Promise<Result<void, Issue[]>>;
  stop(): Promise<void>;
}

/** One query as a front received it. */
export interface ReceivedQuery {
  readonly transport: 'udp' | 'tcp';
  readonly client: { readonly address: string; readonly port: number };
  /** The server the pod asked, after Service translation. */
  readonly server: { readonly address: string; readonly port: number };
  readonly message: Buffer;
}

const upstreamTimeoutMs = 5000;
/** Queries under way at once; further ones are answered with a failure. */
const pendingMax = 1024;

/**
 * The DNS proxy of a node: answers what no rule allows with REFUSED (or NXDOMAIN) and carries the rest to the server the pod asked,
 * under the pod's own address. Runs in the node's network namespace behind TPROXY rules.
 */
export function createDnsProxy(options: DnsProxyOptions): DnsProxy {
  const { port, log, onEvent } = options;
  const ending = new AbortController();
  const closers: (() => Promise<void>)[] = [];
  let pending = 0;

  /** The bytes to answer with, or undefined to say nothing. */
  async function handle(query: ReceivedQuery): Promise<Buffer | undefined> {
    if (query.message.length < 12) return undefined;
    const question = readQuestion(query.message);
    if (!question) return emptyAnswer(query.message, undefined, rcodes.formatError);
    const asked = { ...query, question, startedNs: nowNs() };
    const { allowed, rules } = dnsVerdict(options.plan(), {
      client: query.client.address,
      serverIdentity: options.identityOf(query.server.address),
      serverPort: query.server.port,
      protocol: query.transport,
      name: question.name,
    });
    onEvent({ ...eventOf(asked, rules), type: 'request', denied: !allowed });
    if (!allowed) return emptyAnswer(query.message, question, rcodes[options.rejectCode()]);
    if (pending >= pendingMax) return emptyAnswer(query.message, question, rcodes.serverFailure);
    pending++;
    try {
      return await forward(asked, rules);
    } finally {
      pending--;
    }
  }

  async function forward(asked: Asked, rules: readonly string[]): Promise<Buffer | undefined> {
    const exchange = asked.transport === 'udp' ? exchangeUdp : exchangeTcp;
    const limits = { timeoutMs: upstreamTimeoutMs, signal: ending.signal };
    const reply = await exchange(asked.client.address, asked.server, asked.message, limits);
    const answer = reply.ok ? readAnswer(reply.value, asked.question) : undefined;
    if (!reply.ok || !answer) {
      const reason = reply.ok ? 'the answer does not fit the question' : reply.error;
      log.debug({ server: asked.server.address, query: asked.question.name, reason }, 'no answer from the DNS server');
      return emptyAnswer(asked.message, asked.question, rcodes.serverFailure);
    }
    if (answer.addresses.length > 0) await learn(asked, answer);
    onEvent(responseEvent(asked, rules, answer));
    return reply.value;
  }

  async function learn({ client, question: { name } }: Asked, { addresses, ttl }: Answer): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, options.maxDelayMs());
    });
    try {
      await Promise.race([options.onLearnt({ endpoint: client.address, name, addresses, ttlSeconds: ttl }), late]);
    } catch (error) {
      log.warn({ name, error: String(error) }, 'a learnt name could not be put into policy');
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async start() {
      try {
        closers.push(openUdpFront({ port, handle, log }));
        closers.push(await openTcpFront({ port, handle, log }));
        return ok(undefined);
      } catch (error) {
        await closeAll(closers);
        const message = error instanceof Error ? error.message : String(error);
        return fail([{ path: 'dns.proxyPort', message: `the DNS proxy cannot listen on ${port}: ${message}` }]);
      }
    },
    async stop() {
      ending.abort();
      await closeAll(closers);
    },
  };
}

interface Asked extends ReceivedQuery {
  readonly question: Question;
  readonly startedNs: bigint;
}

type EventBase = Omit<DnsEvent, 'type' | 'denied'>;

function eventOf({ client, server, transport, question, startedNs }: Asked, rules: readonly string[]): EventBase {
  return {
    kind: 'dns',
    timeNs: startedNs,
    client,
    server,
    transport,
    query: question.name,
    queryTypes: [question.type],
    rules,
  };
}

function responseEvent(asked: Asked, rules: readonly string[], answer: Answer): DnsEvent {
  const timeNs = nowNs();
  return {
    ...eventOf(asked, rules),
    timeNs,
    type: 'response',
    denied: false,
    rcode: answer.rcode,
    addresses: answer.addresses,
    cnames: answer.cnames,
    answerTypes: answer.answerTypes,
    ttl: answer.ttl,
    latencyNs: timeNs - asked.startedNs,
  };
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

function nowNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
