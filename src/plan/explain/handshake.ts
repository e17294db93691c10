import type { JsonObject, NodePlan } from '../node-plan.ts';
import { list, record } from '../verdicts/json.ts';

/**
 * Why a policy's listener refuses a TLS client with this server name before it reads anything; undefined where it makes the handshake,
 * or is for plain requests alone.
 */
export function handshakeRefusal({ xds }: NodePlan, listener: string, serverName: string): string | undefined {
  const matches = list(xds.listeners.get(listener)?.['filter_chains']).map((chain) =>
    record(chain['filter_chain_match']),
  );
  if (!matches.some((match) => match['transport_protocol'] === 'raw_buffer')) return undefined;
  const secure = matches.find((match) => match['transport_protocol'] === 'tls');
  if (!secure) return 'a Secret of its rules does not hold what it has to: TLS connections are closed';
  return isNamed(secure, serverName.toLowerCase())
    ? undefined
    : `nothing allows the server name ${serverName}: the TLS handshake is refused`;
}

function isNamed(match: JsonObject, serverName: string): boolean {
  const names = match['server_names'];
  if (!Array.isArray(names)) return true;
  return names.some(
    (name) => name === serverName || (String(name).startsWith('*.') && endsIn(serverName, String(name))),
  );
}

function endsIn(serverName: string, pattern: string): boolean {
  return serverName.length >= pattern.length && serverName.endsWith(pattern.slice(1));
}
