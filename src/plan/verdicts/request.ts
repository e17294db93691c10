import { assert, cidrContains, compileRe2, parseCidrOrIp, type Re2 } from '../../base/index.ts';
import { listenerConfigName, tlsConfigNames } from '../envoy-json.ts';
import type { JsonObject, NodePlan } from '../node-plan.ts';
import { ruleOfPolicy } from '../rbac-statements.ts';
import { afterActions, isHeaderActions } from './header-actions.ts';
import { list, record } from './json.ts';

/** A request as it leaves the proxy for `backend`. Header names in lower case; without `authority` there is none. */
export interface Request {
  readonly client: string;
  readonly backend: string;
  readonly port: number;
  readonly path: string;
  /** In lower case; absent where the client speaks no TLS or names none. */
  readonly serverName?: string;
  readonly method?: string;
  readonly authority?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `by`: keys of the rules that denied or, where all let it pass, allowed. A denial that no rule asked for has none. */
export interface RequestVerdict {
  readonly allowed: boolean;
  readonly by: readonly string[];
}

/** What the upstream RBAC filters say, one direction after the other. */
export function requestVerdict(plan: NodePlan, request: Request): RequestVerdict {
  const egress = judgeRequest(plan, request, 'egress');
  if (!egress.allowed) return egress;
  const ingress = judgeRequest(plan, requestAfter(plan, request, 'egress'), 'ingress');
  return ingress.allowed ? { allowed: true, by: [...egress.by, ...ingress.by] } : ingress;
}

/** What the filters of one direction say: what is denied first, then what is allowed. */
export function judgeRequest(plan: NodePlan, request: Request, direction: 'ingress' | 'egress'): RequestVerdict {
  const denying = firstMatch(plan, `ciliate/${direction}-deny`, request);
  if (denying !== undefined) return { allowed: false, by: [denying] };
  const allowing = firstMatch(plan, `ciliate/${direction}`, request);
  return allowing === undefined ? { allowed: false, by: [] } : { allowed: true, by: [allowing] };
}

/** The request as the rules of one direction leave it, which change headers although another rule lets it pass. */
export function requestAfter(plan: NodePlan, request: Request, direction: 'ingress' | 'egress'): Request {
  let left = request;
  for (const [, policy] of policiesOf(plan, `ciliate/${direction}`)) {
    if (!list(policy['principals']).some((principal) => principalMatches(principal, left))) continue;
    for (const permission of list(policy['permissions'])) {
      const actions = actionsOf(permission, left);
      if (actions) left = { ...left, headers: afterActions(actions, left.headers ?? {}).headers };
    }
  }
  return left;
}

/** The header actions of a permission whose other conditions hold. */
function actionsOf(permission: JsonObject, request: Request): JsonObject | undefined {
  const conditions = permission['and_rules'] ? list(record(permission['and_rules'])['rules']) : [permission];
  const config = record(record(conditions.at(-1)?.['matcher'] ?? {})['typed_config'] ?? {});
  if (!isHeaderActions(config)) return undefined;
  return conditions.slice(0, -1).every((one) => permissionMatches(one, request)) ? config : undefined;
}

/** A connection that a listener for server names takes; its backend is where the client was going. */
export type NamedConnection = Pick<Request, 'client' | 'backend' | 'port' | 'serverName'>;

/** What the listener for server names of a direction says when a connection begins. */
export function connectionVerdict(
  plan: NodePlan,
  connection: NamedConnection,
  direction: 'ingress' | 'egress',
): RequestVerdict {
  const asked = direction === 'egress' ? (['egress', 'ingress'] as const) : (['ingress'] as const);
  const verdicts = asked.map((one) => judgeConnection(plan, connection, one));
  return { allowed: verdicts.every(({ allowed }) => allowed), by: verdicts.flatMap(({ by }) => by) };
}

/** What the rules of one direction say about it. */
export function judgeConnection(
  plan: NodePlan,
  connection: NamedConnection,
  direction: 'ingress' | 'egress',
): RequestVerdict {
  const name = firstMatch(plan, tlsConfigNames[direction], { ...connection, path: '' });
  return { allowed: name !== undefined, by: name === undefined ? [] : [name] };
}

/** What the rules for server names that lead to a user's listener say about a connection there; without such rules it passes. */
export function listenerVerdict(plan: NodePlan, connection: NamedConnection, listener: string): RequestVerdict {
  const name = firstMatch(plan, listenerConfigName(listener), { ...connection, path: '' });
  return { allowed: name === undefined, by: name === undefined ? [] : [name] };
}

/** The rule of the filter's first policy that matches, which is the one that it reports. */
function firstMatch(plan: NodePlan, filter: string, request: Request): string | undefined {
  const found = policiesOf(plan, filter).find(([, policy]) => policyMatches(policy, request));
  return found && ruleOfPolicy(found[0]);
}

function policiesOf(plan: NodePlan, filter: string): readonly (readonly [string, JsonObject])[] {
  const rules = record(record(plan.xds.extensionConfigs.get(filter)?.['typed_config'])['rules']);
  return Object.entries(record(rules['policies'])).map(([name, policy]) => [name, record(policy)]);
}

function policyMatches(policy: JsonObject, request: Request): boolean {
  return (
    list(policy['principals']).some((principal) => principalMatches(principal, request)) &&
    list(policy['permissions']).some((permission) => permissionMatches(permission, request))
  );
}

function principalMatches(principal: JsonObject, request: Request): boolean {
  if (principal['any'] === true) return true;
  if (principal['direct_remote_ip']) return inRange(record(principal['direct_remote_ip']), request.client);
  if (principal['not_id']) return !principalMatches(record(principal['not_id']), request);
  if (principal['or_ids'])
    return list(record(principal['or_ids'])['ids']).some((one) => principalMatches(one, request));
  return unknown('principal', principal);
}

/** Whether one permission of an RBAC policy holds. */
export function permissionMatches(permission: JsonObject, request: Request): boolean {
  if (permission['any'] === true) return true;
  if (permission['not_rule']) return !permissionMatches(record(permission['not_rule']), request);
  if (permission['or_rules'])
    return list(record(permission['or_rules'])['rules']).some((one) => permissionMatches(one, request));
  if (permission['and_rules'])
    return list(record(permission['and_rules'])['rules']).every((one) => permissionMatches(one, request));
  if (permission['destination_ip']) return inRange(record(permission['destination_ip']), request.backend);
  if (permission['destination_port_range']) {
    const range = record(permission['destination_port_range']);
    return Number(range['start']) <= request.port && request.port < Number(range['end']);
  }
  if (permission['requested_server_name']) {
    return textMatches(record(permission['requested_server_name']), request.serverName ?? '');
  }
  if (permission['header']) return headerMatches(record(permission['header']), request);
  if (permission['matcher']) {
    const config = record(record(permission['matcher'])['typed_config']);
    return isHeaderActions(config)
      ? afterActions(config, request.headers ?? {}).passes
      : upstreamMatches(config, request);
  }
  return unknown('permission', permission);
}

function upstreamMatches(matcher: JsonObject, { backend, port }: Request): boolean {
  const range = record(matcher['upstream_port_range']);
  const inPorts = !matcher['upstream_port_range'] || (Number(range['start']) <= port && port <= Number(range['end']));
  return inPorts && (!matcher['upstream_ip'] || inRange(record(matcher['upstream_ip']), backend));
}

function headerMatches(matcher: JsonObject, request: Request): boolean {
  const values: Record<string, string | undefined> = {
    ...request.headers,
    ':path': request.path,
    ':method': request.method ?? 'GET',
    ':authority': request.authority,
  };
  const value = values[String(matcher['name']).toLowerCase()];
  if (matcher['present_match'] === true) return value !== undefined;
  const text = record(matcher['string_match']);
  return value !== undefined && textMatches(text, value);
}

function textMatches(matcher: JsonObject, value: string): boolean {
  if (typeof matcher['exact'] === 'string') return value === matcher['exact'];
  if (matcher['safe_regex']) return expressionOf(record(matcher['safe_regex'])).matches(value);
  return unknown('string matcher', matcher);
}

const expressions = new WeakMap<JsonObject, Re2>();

/** The expression of a `safe_regex`, compiled once for each place that it stands in. */
function expressionOf(safeRegex: JsonObject): Re2 {
  let expression = expressions.get(safeRegex);
  if (!expression) {
    const compiled = compileRe2(String(safeRegex['regex']));
    assert(compiled.ok, `the plan holds the expression ${String(safeRegex['regex'])}, which is none`);
    expression = compiled.value;
    expressions.set(safeRegex, expression);
  }
  return expression;
}

/** The planner writes nothing that is not read here. */
function unknown(what: string, value: JsonObject): never {
  throw new Error(`${what} without a reading: ${JSON.stringify(value)}`);
}

function inRange(range: JsonObject, address: string): boolean {
  const cidr = parseCidrOrIp(`${String(range['address_prefix'])}/${String(range['prefix_len'])}`);
  const one = parseCidrOrIp(address);
  return cidr !== undefined && one !== undefined && cidrContains(cidr, one);
}
