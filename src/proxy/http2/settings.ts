import { ERROR, FRAME_SIZE, LARGEST_FRAME_SIZE, LARGEST_WINDOW, SETTING, uint32 } from './frame.ts';

/** What the other side says of itself; undefined: nothing new. */
export interface Settings {
  tableSize?: number;
  maxStreams?: number;
  initialWindow?: number;
  frameSize?: number;
  connectProtocol?: boolean;
}

/** Reads a SETTINGS frame's payload, of a client or a server; an error code where it holds what it must not (RFC 9113, 6.5.2). */
export function readSettings(bytes: Buffer, from: number, stop: number, ofServer: boolean): Settings | number {
  if ((stop - from) % 6 !== 0) return ERROR.FRAME_SIZE_ERROR;
  const settings: Settings = {};
  for (let at = from; at < stop; at += 6) {
    const value = uint32(bytes, at + 2);
    switch (bytes.readUInt16BE(at)) {
      case SETTING.HEADER_TABLE_SIZE:
        settings.tableSize = value;
        break;
      case SETTING.ENABLE_PUSH:
        if (value > (ofServer ? 0 : 1)) return ERROR.PROTOCOL_ERROR;
        break;
      case SETTING.MAX_CONCURRENT_STREAMS:
        settings.maxStreams = value;
        break;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > LARGEST_WINDOW) return ERROR.FLOW_CONTROL_ERROR;
        settings.initialWindow = value;
        break;
      case SETTING.MAX_FRAME_SIZE:
        if (value < FRAME_SIZE || value > LARGEST_FRAME_SIZE) return ERROR.PROTOCOL_ERROR;
        settings.frameSize = value;
        break;
      case SETTING.ENABLE_CONNECT_PROTOCOL:
        if (value > 1) return ERROR.PROTOCOL_ERROR;
        settings.connectProtocol = value === 1;
        break;
      default:
    }
  }
  return settings;
}
