import { alone, type CommandKind } from './command.ts';
import { hostNameOf, withoutPort } from './names.ts';

/** Commands about the attempts that got a connection. As in Envoy 1.40 only the last one is told, though the names speak of several. */
export const ATTEMPT_COMMANDS: Readonly<Record<string, CommandKind>> = {
  UPSTREAM_CONNECTION_ID: alone((info) => info.upstreamConnection?.id ?? 0),
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: alone((info) => info.upstreamConnection && String(info.upstreamConnection.id)),
  UPSTREAM_HOSTS_ATTEMPTED: alone((info) => info.connectedHost?.name),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: alone((info) => info.connectedHost?.peer.address),
  UPSTREAM_HOST_NAMES_ATTEMPTED: alone((info) => info.connectedHost && hostNameOf(info.connectedHost)),
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: alone(
    (info) => info.connectedHost && withoutPort(hostNameOf(info.connectedHost)),
  ),
};
