/** The service and method that a gRPC call's path names; undefined where it is no such path. */
export function grpcMethodOf(path: string): readonly [service: string, method: string] | undefined {
  const mark = path.indexOf('?');
  const [service, method, ...more] = (mark < 0 ? path : path.slice(0, mark)).split('/').filter((part) => part !== '');
  return service === undefined || method === undefined || more.length > 0 ? undefined : [service, method];
}
