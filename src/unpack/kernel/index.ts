/** The kernel's exports that unpack, documented in ../kernel-interface.ts. */
export { go_on_crc32, start_crc32 } from './crc32';
export { go_on_deflate, start_deflate } from './deflate';
export { unpack_lz4 } from './lz4';
export { unpack_lzma2 } from './lzma2';
export { undo_x86 } from './x86-filter';
