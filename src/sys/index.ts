export { type DatagramReceiver, openRedirectedDatagrams, type RedirectedDatagram } from './datagram.ts';
export { connectUnix, DESCRIPTORS_AT_ONCE, receiveDescriptors, sendDescriptors, sendText } from './descriptors.ts';
export { interfaceNameOf } from './interfaces.ts';
export { addressOf, MORE, type OnCompletion, openRing, type Ring } from './io-uring.ts';
export { check, constants, native, SystemCallError, setOption, socketAddress } from './libc.ts';
export { dropFilePages, trimHeap } from './memory.ts';
export { inNetworkNamespace, openStreamSocketIn } from './namespace.ts';
export { type LogSocket, logMessageType, openLogSocket } from './netlink-log.ts';
export { type NftContext, openNftables } from './nftables.ts';
export {
  ALPN,
  type OpenSsl,
  openssl,
  SSL_CONTROL,
  SSL_ERROR,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_VERIFY,
  X509_CHECK_CRL,
} from './openssl.ts';
export { openPipe } from './pipe.ts';
export {
  applyMounts,
  createNetworkNamespace,
  enterProcess,
  enterSandbox,
  type Mount,
  removeNetworkNamespace,
  type Sandbox,
} from './sandbox.ts';
export { openSocketPair } from './socket-pair.ts';
export {
  acceptWaiting,
  type ClientSocketOptions,
  closeDescriptor,
  duplicateDescriptor,
  type ListenSocketOptions,
  makeListenerTransparent,
  openClientSocket,
  openListenSocket,
  openTransparentSocket,
  setBlocking,
  type TransparentSocketOptions,
} from './sockets.ts';
export { openTerminal, resizeTerminal, type Terminal } from './terminal.ts';
