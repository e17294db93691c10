import { formatIssue, type Logger } from '../base/index.ts';
import { openTlsFiles, type ServerSecurity, type ServerTlsFiles } from '../hubble/index.ts';
import { below } from './node-files.ts';

export interface NodeSecurityOptions {
  /** Stands for the root of the node's files. */
  readonly nodeFiles: string;
  /** Whose files they are, for the log. */
  readonly whose: string;
  readonly log: Logger;
}

/** How a server of the node is reached whose certificate and authorities are in these files. What is wrong with them is logged at once. */
export function nodeSecurity(files: ServerTlsFiles, { nodeFiles, whose, log }: NodeSecurityOptions): ServerSecurity {
  if (!files) return { kind: 'plain' };
  const material = openTlsFiles({
    files,
    locate: (path) => below(nodeFiles, path),
    onFault: (issue) => log.error({ issue: formatIssue(issue) }, `a file for TLS of ${whose} cannot be used`),
    onRead: (again) => log.info(again ? `the TLS files of ${whose} have changed` : `${whose} serves with TLS`),
  });
  material();
  return { kind: 'tls', material };
}
