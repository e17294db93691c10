import { fail, ok, type Result } from '../../base/index.ts';
import { type Flow, type FlowFilter, type TcpFlags, toBigint, Verdict } from '../../model/flow/index.ts';
import { compileExpressions } from './cel.ts';
import { compileLabelSelector } from './label-selector.ts';
import { compileLayer7 } from './layer7.ts';
import { compileNodeName } from './patterns.ts';
import { type CompiledTests, collect, compileSides, type FlowTest } from './sides.ts';

const mostFilters = 1000;

/**
 * Compiles a list of filters into one test: a flow passes when any filter matches; an empty list passes nothing.
 * The error has the original's text, for instance `invalid protocol filter: unknown protocol: "x"`.
 */
export function compileFilters(filters: readonly FlowFilter[]): Result<FlowTest, string> {
  if (filters.length > mostFilters) return fail(`${filters.length} filters, at most ${mostFilters} are accepted`);
  const compiled: FlowTest[] = [];
  for (const filter of filters) {
    const test = compileFilter(filter);
    if (!test.ok) return test;
    compiled.push(test.value);
  }
  return ok((flow) => compiled.some((test) => test(flow)));
}

/** White list minus black list: an empty white list lets everything through. */
export function compileSelection(
  whitelist: readonly FlowFilter[],
  blacklist: readonly FlowFilter[],
): Result<FlowTest, string> {
  const wanted = compileFilters(whitelist);
  if (!wanted.ok) return wanted;
  const unwanted = compileFilters(blacklist);
  if (!unwanted.ok) return unwanted;
  if (blacklist.length === 0) return whitelist.length === 0 ? ok(() => true) : wanted;
  return ok((flow) => (whitelist.length === 0 || wanted.value(flow)) && !unwanted.value(flow));
}

/** One filter: every field that is set must match. */
function compileFilter(filter: FlowFilter): Result<FlowTest, string> {
  const tests: FlowTest[] = [];
  for (const part of [compileSides, compileLayer7, compilePlain, compileProtocols, compileTexts, compileCel]) {
    const compiled: CompiledTests = part(filter);
    if (!compiled.ok) return compiled;
    tests.push(...compiled.value);
  }
  return ok((flow) => tests.every((test) => test(flow)));
}

/** Fields that compare a value with a set. */
function compilePlain(filter: FlowFilter): CompiledTests {
  const tests: FlowTest[] = [];
  const members = <T>(wanted: readonly T[] | undefined, read: (flow: Flow) => T | undefined): void => {
    if (!wanted || wanted.length === 0) return;
    const set = new Set(wanted);
    tests.push((flow) => {
      const found = read(flow);
      return found !== undefined && set.has(found);
    });
  };
  members(filter.uuid, (flow) => flow.uuid);
  members(filter.verdict, (flow) => flow.verdict ?? 0);
  members(filter.traffic_direction, (flow) => flow.traffic_direction ?? 0);
  members(filter.drop_reason_desc, (flow) =>
    flow.verdict === Verdict.DROPPED ? (flow.drop_reason_desc ?? 0) : undefined,
  );
  members(filter.ip_version, (flow) => flow.IP?.ipVersion ?? 0);
  members(filter.reply, replyOf);
  members(filter.encrypted, (flow) => flow.IP?.encrypted ?? false);
  members(filter.trace_id, (flow) => flow.trace_context?.parent?.trace_id ?? '');
  members(filter.ip_trace_id?.map(toBigint), (flow) => toBigint(flow.ip_trace_id?.trace_id));
  const types = filter.event_type ?? [];
  if (types.length > 0) tests.push((flow) => types.some((type) => eventTypeMatches(type, flow)));
  const interfaces = filter.interface ?? [];
  if (interfaces.length > 0) {
    tests.push(({ interface: found }) =>
      interfaces.some(
        ({ name, index }) => found && (!name || name === found.name) && (!index || index === found.index),
      ),
    );
  }
  const flags = filter.tcp_flags ?? [];
  if (flags.length > 0) tests.push((flow) => flags.some((wanted) => hasFlags(flow.l4?.TCP?.flags, wanted)));
  return ok(tests);
}

/** A dropped flow that says nothing of replies counts as none, for clients that know the older field `reply` alone. */
function replyOf({ is_reply: reply, verdict }: Flow): boolean | undefined {
  if (reply) return reply.value ?? false;
  return verdict === Verdict.DROPPED ? false : undefined;
}

function eventTypeMatches(wanted: NonNullable<FlowFilter['event_type']>[number], { event_type: found }: Flow): boolean {
  if (!found) return false;
  if ((wanted.type ?? 0) !== 0 && wanted.type !== (found.type ?? 0)) return false;
  return !wanted.match_sub_type || (wanted.sub_type ?? 0) === (found.sub_type ?? 0);
}

function hasFlags(found: TcpFlags | null | undefined, wanted: TcpFlags): boolean {
  if (!found) return false;
  const names = Object.keys(wanted) as (keyof TcpFlags)[];
  return names.every((name) => wanted[name] !== true || found[name] === true);
}

const protocols: Readonly<Record<string, FlowTest>> = {
  icmp: ({ l4 }) => Boolean(l4?.ICMPv4 ?? l4?.ICMPv6),
  icmpv4: ({ l4 }) => Boolean(l4?.ICMPv4),
  icmpv6: ({ l4 }) => Boolean(l4?.ICMPv6),
  sctp: ({ l4 }) => Boolean(l4?.SCTP),
  tcp: ({ l4 }) => Boolean(l4?.TCP),
  udp: ({ l4 }) => Boolean(l4?.UDP),
  vrrp: ({ l4 }) => Boolean(l4?.VRRP),
  igmp: ({ l4 }) => Boolean(l4?.IGMP),
  dns: ({ l7 }) => Boolean(l7?.dns),
  http: ({ l7 }) => Boolean(l7?.http),
  kafka: ({ l7 }) => Boolean(l7?.kafka),
};

function compileProtocols(filter: FlowFilter): CompiledTests {
  const wanted: FlowTest[] = [];
  for (const name of filter.protocol ?? []) {
    const lower = name.toLowerCase();
    const test = Object.hasOwn(protocols, lower) ? protocols[lower] : undefined;
    if (!test) return fail(`invalid protocol filter: unknown protocol: ${JSON.stringify(name)}`);
    wanted.push(test);
  }
  return ok(wanted.length === 0 ? [] : [(flow) => wanted.some((test) => test(flow))]);
}

function compileTexts(filter: FlowFilter): CompiledTests {
  const tests: FlowTest[] = [];
  const nodes = collect(filter.node_name ?? [], compileNodeName);
  if (!nodes.ok) return nodes;
  if (nodes.value.length > 0) tests.push((flow) => nodes.value.some((matches) => matches(flow.node_name ?? '')));
  const labels = collect(filter.node_labels ?? [], compileLabelSelector);
  if (!labels.ok) return fail(`invalid node label filter: ${labels.error}`);
  if (labels.value.length > 0) {
    tests.push((flow) => labels.value.some((matches) => matches(flow.node_labels ?? [])));
  }
  return ok(tests);
}

/** Last, since it costs the most for a flow. */
function compileCel(filter: FlowFilter): CompiledTests {
  const expressions = filter.experimental?.cel_expression ?? [];
  if (expressions.length === 0) return ok([]);
  const test = compileExpressions(expressions);
  return test.ok ? ok([test.value]) : test;
}
