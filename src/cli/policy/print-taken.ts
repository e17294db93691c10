import type { ObjectField, Taken } from '../../plan/index.ts';

const indent = ' '.repeat('  ingress L3/L4  '.length);

/** Which listener has the connection, and how it came by it. */
export function takenHead({ how, listener, by }: Taken, fieldText: (field: ObjectField) => string): string {
  return `${how === 'service' ? 'taken over by' : 'led by policy to'} listener ${listener} of ${fieldText(by)}`;
}

/** How an Envoy configuration leads a request (`METHOD /path` as it came) to a part. */
export function takenLines(
  taken: Taken,
  request: string,
  fieldText: (field: ObjectField) => string,
): readonly string[] {
  const { becomes } = taken;
  const how = `${routeText(taken)} -> ${endText(taken)}${shareText(taken.share)}`;
  return [
    `${'  route'.padEnd(indent.length)}${fieldText(taken.place)}`,
    `${indent}${how}`,
    ...(becomes ? [`${indent}${request} becomes ${becomes.method} ${becomes.path} for ${becomes.authority}`] : []),
  ];
}

function routeText({ virtualHost, match }: Taken): string {
  if (virtualHost === undefined) return 'no virtual host has the domain';
  return `virtual host ${virtualHost}, ${match === undefined ? 'none of its routes matches' : `match ${match}`}`;
}

function endText({ cluster, reply }: Taken): string {
  const answer = reply && `answers ${reply.status}${reply.location === undefined ? '' : ` to ${reply.location}`}`;
  return [cluster === undefined ? undefined : `cluster ${cluster}`, answer]
    .filter((one) => one !== undefined)
    .join(', ');
}

/** Shares are measured, so they are told in whole percents. */
function shareText(share: number): string {
  if (share === 1) return '';
  const percent = Math.round(share * 100);
  return percent === 0 ? ', less than 1 % of the requests' : `, about ${percent} % of the requests`;
}
