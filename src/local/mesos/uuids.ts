/** 16 bytes with a version of RFC 4122, 1 to 5: what Mesos takes for a UUID. */
export function isUuid(bytes: Uint8Array): boolean {
  const version = (bytes[6] ?? 0) >> 4;
  return bytes.byteLength === 16 && version >= 1 && version <= 5;
}
