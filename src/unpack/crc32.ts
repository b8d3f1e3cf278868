/** CRC-32 of a stretch of bytes, as gzip and XZ have it [RFC 1952, 8]. */
const TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  let remainder = n;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
