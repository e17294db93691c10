import type { HttpStream } from '../../http/stream.ts';
import type { ForwardAction } from '../../route/action.ts';

/** The name of the cluster a request goes to; empty when its header is missing. Notes the weighted choice on the stream. */
export function chooseCluster(
  action: ForwardAction,
  stream: Pick<HttpStream, 'requestHeader' | 'random' | 'weighted'>,
): string {
  const { choice } = action;
  switch (choice.kind) {
    case 'cluster':
      return choice.name;
    case 'header':
      return stream.requestHeader(choice.header) ?? '';
    case 'weighted': {
      const header = choice.randomHeader === '' ? undefined : stream.requestHeader(choice.randomHeader);
      const random = header !== undefined && /^\d+$/.test(header) ? Number(header) : stream.random;
      const point = random % choice.total;
      const chosen = choice.clusters.find((cluster) => point < cluster.upTo);
      stream.weighted = chosen;
      if (chosen?.header !== undefined) return stream.requestHeader(chosen.header) ?? '';
      return chosen?.name ?? '';
    }
  }
}
