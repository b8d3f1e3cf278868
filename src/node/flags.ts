/** The flags of `coracle boot`: QEMU's where there is one, parsed as QEMU does (one dash or two, value in the next word). */
import { EmulatorError } from '../errors.ts';

interface Flag {
  readonly name: string;
  /** What the value is, for the help; absent: the flag takes none. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  readonly help: string;
}

export const FLAGS = [
  { name: 'M', value: 'MACHINE', help: 'pc (default), or microvm: serial ports and virtio devices, for a kernel without firmware' },
  { name: 'm', value: 'SIZE', help: 'guest memory in MiB, or with a suffix M or G (default 128)' },
  { name: 'cpu', value: 'MODEL', help: 'processor: 486, pentium, pentium3, x86-64-v1 to -v3, max, with ,+FEATURE and ,-FEATURE (default x86-64-v3)' },
  { name: 'kernel', value: 'FILE|URL', help: 'Linux bzImage, multiboot or PVH kernel, entered without firmware' },
  { name: 'initrd', value: 'FILE|URL', help: 'initial RAM disk; for multiboot, modules: "FILE args,FILE args"' },
  { name: 'append', value: 'TEXT', help: 'command line of the kernel' },
  { name: 'hda', value: 'FILE', help: 'IDE disks, raw images; writes go into the file unless it is read-only' },
  { name: 'hdb', value: 'FILE', help: '  or -snapshot is given' },
  { name: 'hdc', value: 'FILE', help: '' },
  { name: 'hdd', value: 'FILE', help: '' },
  { name: 'cdrom', value: 'FILE', help: 'CD image (ISO 9660), in the place of -hdc' },
  { name: 'fda', value: 'FILE', help: 'floppy images' },
  { name: 'fdb', value: 'FILE', help: '' },
  { name: 'snapshot', help: 'keep what the guest writes to disks in memory and forget it at the end' },
  { name: 'boot', value: 'ORDER', help: 'devices that firmware tries: a floppy, c disk, d CD (default cad)' },
  { name: 'bios', value: 'FILE|URL', help: 'firmware (default: SeaBIOS where it is found)' },
  { name: 'vga-bios', value: 'FILE|URL', help: 'video BIOS (default: the one beside the firmware)' },
  { name: 'L', value: 'DIR', repeatable: true, help: 'where to look for firmware first' },
  { name: 'serial', value: 'DEST', repeatable: true, help: 'serial port: stdio, none, or file:PATH; repeat for further ports' },
  { name: 'nographic', help: 'serial port on this terminal; Ctrl-A X quits' },
  { name: 'debugcon', value: 'DEST', help: 'output of the debug ports E9h and 402h: stdio or file:PATH' },
  { name: 'drive', value: 'SPEC', repeatable: true, help: 'file=FILE,if=virtio, or file=FILE,if=none,id=ID for a -device' },
  { name: 'device', value: 'SPEC', repeatable: true, help: 'virtio-blk-pci,drive=ID; virtio-rng-pci; virtio-serial-pci with virtconsole[,chardev=ID];' },
  { name: 'virtfs', value: 'SPEC', repeatable: true, help: 'local,path=DIR,mount_tag=TAG[,readonly=on]: a folder that the guest mounts by 9p' },
  { name: 'fsdev', value: 'SPEC', repeatable: true, help: 'local,id=ID,path=DIR[,readonly=on] for -device virtio-9p-pci,fsdev=ID,mount_tag=TAG' },
  { name: 'chardev', value: 'SPEC', repeatable: true, help: 'stdio,id=ID; file,id=ID,path=FILE; null,id=ID: where a console prints' },
  { name: 'rtc', value: 'SPEC', help: 'base=utc, base=localtime or base=YYYY-MM-DD[THH:MM:SS]' },
  { name: 'no-reboot', help: 'end instead of starting again when the guest resets' },
  { name: 'until', value: 'TEXT', help: 'end with status 0 as soon as the serial port or the text screen shows TEXT' },
  { name: 'timeout', value: 'SECONDS', help: 'end with status 3 when that did not happen in time' },
  { name: 'send', value: 'TEXT=>REPLY', repeatable: true, help: 'when TEXT shows, type REPLY and Enter where it showed; several act in order' },
  { name: 'screenshot', value: 'FILE', help: 'write the screen as PNG at the end' },
  { name: 'pace', value: 'MODE', help: 'wall: follow the clock (default); none: as fast as possible' },
  { name: 'tier', value: 'TIER', help: 'interp: interpreter only; compiled: compile all code; auto: what runs hot (default)' },
  { name: 'compile-threshold', value: 'N', help: 'with auto: how often a branch is taken until its target is compiled' },
  { name: 'trace', value: 'ITEMS', help: 'what the processor does: in_asm, ir, wasm, exec, nochain, int, with commas between' },
  { name: 'D', value: 'FILE', help: 'write what is traced there (default: standard error)' },
  { name: 'stats', help: 'print instructions, speed, what was compiled and what ran in it at the end, as JSON on standard error' },
  { name: 'help', help: 'this text' },
] as const satisfies readonly Flag[];

export type FlagName = (typeof FLAGS)[number]['name'];

/** Values of the flags that were given; a flag without value has the empty string. */
export class Flags {
  private readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.values = values;
  }

  has(name: FlagName): boolean {
    return this.values.has(name);
  }

  get(name: FlagName): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  all(name: FlagName): readonly string[] {
    return this.values.get(name) ?? [];
  }
}

/** @throws EmulatorError `bad-option` */
export function parseFlags(words: readonly string[]): Flags {
  const values = new Map<string, string[]>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    const name = word === '-h' ? 'help' : /^--?([A-Za-z][A-Za-z-]*)$/.exec(word)?.[1];
    const flag: Flag | undefined = FLAGS.find((f) => f.name === name);
    if (flag === undefined) {
      const hint = word.startsWith('-') ? 'there is no such flag' : 'a file needs a flag before it, as -hda or -kernel';
      throw new EmulatorError('bad-option', `${word}: ${hint} (coracle boot --help)`);
    }
    const given = values.get(flag.name);
    if (given && !flag.repeatable) throw new EmulatorError('bad-option', `-${flag.name} is given twice`);
    let value = '';
    if (flag.value !== undefined) {
      if (i + 1 >= words.length) throw new EmulatorError('bad-option', `-${flag.name} needs a value: ${flag.value}`);
      value = words[++i];
    }
    if (given) given.push(value);
    else values.set(flag.name, [value]);
  }
  return new Flags(values);
}

export function helpText(): string {
  const lines = FLAGS.map((flag: Flag) => {
    const left = `  -${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
    return `${left.padEnd(24)} ${flag.help}`.trimEnd();
  });
  return [
    'usage: coracle boot [flags]',
    '',
    ...lines,
    '',
    'TEXT and REPLY may hold \\n, \\r, \\t, \\e, \\xNN and \\\\; a REPLY that ends with \\c is typed without Enter.',
    'Exit status: 0 text shown or guest powered off, 1 ended without showing it or the host failed, 2 bad input,',
    '3 timeout, else the status of isa-debug-exit.',
    '',
  ].join('\n');
}
