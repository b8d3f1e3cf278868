/** The built page in Chromium, as a static host serves it under a sub-path: boots, is typed into, and survives bad input. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';
import { PageDriver } from './page-driver.ts';
import { PageServer, type PageServerOptions } from './page-server.ts';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const READY = 'coracle teaching: shell ready';
const HAS_FIRMWARE = existsSync(root('dist/page/guests/firmware/bios-256k.bin'));
const HAS_DEBIAN = existsSync(root('dist/page/guests/debian-i386/vmlinuz'));

let browser: Browser;
const opened: (PageDriver | PageServer)[] = [];

async function open(options: Partial<PageServerOptions> = {}, address = '#guest=teaching', beforeLoad?: () => void): Promise<PageDriver> {
  const server = await PageServer.start({ base: '/some/where/', ...options });
  opened.push(server);
  const driver = await PageDriver.open(browser, server.url + address, {}, beforeLoad);
  opened.push(driver);
  return driver;
}

const occurrences = (text: string, part: string): number => text.split(part).length - 1;

beforeAll(async () => {
  if (!existsSync(root('dist/page/index.html'))) throw new Error('the page is not built; run npm run build first');
  browser = await launchChromium();
});

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await ('stop' in each ? each.stop() : each.close());
});

afterAll(() => browser?.close());

it('keeps the buffers that have browsers collect garbage, though nothing reads them', () => {
  const scripts = readdirSync(root('dist/page/assets')).filter((name) => /^(index|machine-worker)-.*\.js$/.test(name));
  const kept = scripts.filter((name) => /this\.buffer=(\/\*.*?\*\/ )?new ArrayBuffer\(/.test(readFileSync(root(`dist/page/assets/${name}`), 'utf8')));
  expect(kept.length).toBe(2);
});

describe('the embedded guest', () => {
  it('boots to its shell on the screen and on the serial port, without isolation, asking its own host only', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    await driver.waitForScreen(READY);
    expect(await driver.page.evaluate(() => crossOriginIsolated)).toBe(false);
    expect(await driver.page.title()).toContain('How a PC comes up');
    const { origin } = new URL(driver.page.url());
    expect(driver.requests.length).toBeGreaterThan(3);
    expect(driver.requests.filter((url) => new URL(url).origin !== origin && !url.startsWith('data:'))).toEqual([]);
    expect(driver.faults).toEqual([]);
  });

  it('boots in a cross-origin isolated page as well', async () => {
    const driver = await open({ isolated: true, base: '/' });
    await driver.waitForSerial(READY);
    expect(await driver.page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(driver.faults).toEqual([]);
  });

  it('answers what is typed into the terminal', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    await driver.page.locator('#terminal').click();
    await driver.page.keyboard.type('help\n');
    await driver.waitForSerial('poweroff');
  });

  it('answers what is typed on the screen, and gives the keyboard back', async () => {
    const driver = await open();
    await driver.waitForScreen(READY);
    await driver.page.locator('#screen').click();
    await driver.page.keyboard.type('help\n', { delay: 20 });
    await driver.waitForScreen('poweroff');
    await driver.page.keyboard.press('Control+Alt+KeyG');
    expect(await driver.page.evaluate(() => document.activeElement?.id)).toBe('run');
  });

  it('powers off, and is switched on again', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    await driver.page.evaluate(() => window.coracle?.sendSerial('poweroff\r'));
    await driver.waitForState('off');
    expect(await driver.text('#screen-message')).toContain('switched the machine off');
    await driver.page.getByRole('button', { name: 'Switch on' }).click();
    await expect.poll(async () => occurrences(await driver.serialText(), READY), { timeout: 30_000 }).toBe(2);
    expect(driver.faults).toEqual([]);
  });
});

describe('the buttons', () => {
  it('pause, go on and reset', async () => {
    const driver = await open();
    const button = (name: string): Locator => driver.page.getByRole('button', { name, exact: true });
    await driver.waitForSerial(READY);
    await button('Pause').click();
    await driver.waitForState('paused');
    const instructions = (): Promise<number | undefined> => driver.page.evaluate(() => window.coracle?.totals?.instructions);
    const before = await instructions();
    await driver.page.waitForTimeout(700);
    expect(await instructions()).toBe(before);
    await button('Run').click();
    await driver.waitForState('running');
    await expect.poll(instructions, { timeout: 5000 }).toBeGreaterThan(before!);
    await button('Reset').click();
    await expect.poll(async () => occurrences(await driver.serialText(), READY), { timeout: 30_000 }).toBe(2);
  });

  it('shows speed, idle share and guest time', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    await expect.poll(() => driver.text('#figure-idle'), { timeout: 10_000 }).toMatch(/^\d+ %$/);
    expect(await driver.text('#figure-speed')).toMatch(/^[\d.]+ MIPS$/);
    expect(await driver.text('#figure-time')).toMatch(/^\d+:\d\d/);
  });
});

describe('switches of the processor in the address', () => {
  const regions = (driver: PageDriver): Promise<number | undefined> => driver.page.evaluate(() => window.coracle?.totals?.compiler?.regions);

  it('choose what runs the guest, and the counters show it', async () => {
    const compiled = await open({}, '?compile-threshold=1#guest=teaching');
    await compiled.waitForSerial(READY);
    await expect.poll(() => regions(compiled), { timeout: 10_000 }).toBeGreaterThan(0);
    expect(await compiled.text('#figure-compiled')).toMatch(/^[\d.]+ (bytes|KiB) \d+ regions?$/);
    expect(await compiled.page.locator('#compiled').getAttribute('title')).toMatch(/^exits: hot: [1-9]/m);
    const interpreted = await open({}, '?tier=interp#guest=teaching');
    await interpreted.waitForSerial(READY);
    await expect.poll(() => regions(interpreted), { timeout: 10_000 }).toBe(0);
  });
  it('that there are not are told of', async () => {
    const driver = await open({}, '?tier=fast#guest=teaching');
    await expect.poll(() => driver.notices(), { timeout: 10_000 }).toContain('interp, compiled or auto');
  });
});

describe('an image of the user’s own', () => {
  it('is recognised, shown with options and started', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    await driver.page.locator('#file-picker').setInputFiles(root('images/teaching/teaching.img'));
    const form = driver.page.locator('#own-form');
    await form.getByText('Memory in MiB').waitFor();
    expect(await form.getByLabel('teaching.img is').inputValue()).toBe('multiboot');
    await form.getByLabel('Memory in MiB').fill('32');
    await form.getByRole('button', { name: 'Start' }).click();
    await expect.poll(() => driver.page.title(), { timeout: 10_000 }).toContain('teaching.img');
    await driver.waitForSerial('31744 KiB above');
    expect(driver.faults).toEqual([]);
  });

  it('that is none gives a readable error when dropped, and the machine goes on', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    const data = await driver.page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(5000).fill(7)], 'holiday.jpg'));
      return transfer;
    });
    await driver.page.dispatchEvent('body', 'drop', { dataTransfer: data });
    await driver.waitForNotice('holiday.jpg cannot be started');
    expect(await driver.notices()).toContain('no boot signature');
    expect(await driver.notices()).toContain('Coracle starts');
    await stillAnswers(driver);
  });

  it('that is truncated gives a readable error, and the machine goes on', async () => {
    const driver = await open();
    await driver.waitForSerial(READY);
    const sector = Buffer.alloc(512);
    // A partition of 2,048 sectors from sector 63 on, of which nothing is there.
    sector.set([0x80, 0, 0, 0, 0x83, 0, 0, 0, 63, 0, 0, 0, 0, 8, 0, 0], 446);
    sector.set([0x55, 0xaa], 510);
    await driver.page.locator('#file-picker').setInputFiles([
      { name: 'disk.img', mimeType: 'application/octet-stream', buffer: sector },
      // So that the disk's own fault shows whether or not there is real firmware.
      { name: 'bios.bin', mimeType: 'application/octet-stream', buffer: firmwareLike() },
    ]);
    await driver.page.locator('#own-form').getByRole('button', { name: 'Start' }).click();
    await driver.waitForNotice('truncated');
    await stillAnswers(driver);
  });
});

describe('an image at an address', () => {
  const give = async (driver: PageDriver, address: string): Promise<void> => {
    await driver.page.getByLabel('Address of an image').fill(address);
    await driver.page.getByRole('button', { name: 'Open' }).click();
  };

  it('is recognised, shown with options and started', async () => {
    const driver = await open({ files: { 'images/my-kernel': readFileSync(root('images/teaching/teaching.img')) } });
    await driver.waitForSerial(READY);
    await give(driver, new URL('images/my-kernel', driver.page.url()).href);
    const form = driver.page.locator('#own-form');
    await form.getByLabel('Memory in MiB').fill('32');
    expect(await form.getByLabel('my-kernel is').inputValue()).toBe('multiboot');
    await form.getByRole('button', { name: 'Start' }).click();
    await driver.waitForSerial('31744 KiB above');
    expect(driver.faults).toEqual([]);
  });

  it('that the server does not have, that is a page or no image, or that another server keeps to itself: readable errors', async () => {
    const driver = await open({ files: { 'a-page': '<p>hello</p>', 'holiday.jpg': new Uint8Array(5000).fill(7) } });
    await driver.waitForSerial(READY);
    const base = driver.page.url().split('#')[0];
    const cases = [
      [`${base}nowhere.img`, '404 (no such file)'], [`${base}a-page`, 'is a web page, not an image'], [`${base}holiday.jpg`, 'no boot signature'],
      ['ftp://example.org/disk.img', 'no web address'],
    ];
    for (const [address, message] of cases) {
      await give(driver, address);
      await driver.waitForNotice(message);
    }
    await stillAnswers(driver);
    const elsewhere = createServer((_, response) => response.writeHead(200).end('x'));
    await new Promise<void>((resolve) => elsewhere.listen(0, 'localhost', resolve));
    await give(driver, `http://localhost:${(elsewhere.address() as AddressInfo).port}/disk.img`);
    await driver.waitForNotice('CORS');
    elsewhere.closeAllConnections();
    elsewhere.close();
    expect(await driver.state()).toBe('running');
  });
});

describe('the mouse', () => {
  it('is captured by its button, and what it does reaches the machine', async () => {
    const driver = await open({}, '#guest=teaching', () => {
      const sent: unknown[] = [];
      Object.assign(globalThis, { sentMoves: sent });
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (this: Worker, message: { path?: string[]; argumentList?: { value: unknown }[] }, ...rest: []) {
        if (message.path?.[0] === 'sendMouse') sent.push(message.argumentList?.[0].value);
        post.call(this, message, ...rest);
      } as typeof post;
    });
    await driver.waitForSerial(READY);
    const moves = (): Promise<{ dx: number; dy: number; buttons: number }[]> =>
      driver.page.evaluate(() => (globalThis as unknown as { sentMoves: { dx: number; dy: number; buttons: number }[] }).sentMoves);
    const glass = await driver.page.locator('#screen').boundingBox();
    await driver.page.mouse.move(glass!.x + 50, glass!.y + 50);
    await driver.page.mouse.move(glass!.x + 60, glass!.y + 60);
    expect(await moves()).toEqual([]);
    await driver.page.getByRole('button', { name: 'Mouse' }).click();
    await expect.poll(() => driver.page.evaluate(() => document.pointerLockElement?.id), { timeout: 5000 }).toBe('screen-keys');
    await driver.page.mouse.move(glass!.x + 100, glass!.y + 70);
    await driver.page.mouse.move(glass!.x + 130, glass!.y + 80);
    await driver.page.mouse.down();
    await expect.poll(async () => (await moves()).at(-1)?.buttons, { timeout: 5000 }).toBe(1);
    await driver.page.mouse.up();
    expect((await moves()).some(({ dx, dy }) => dx === 30 && dy === 10)).toBe(true);
  });
});

describe('a disk whose writes are kept', () => {
  it('is the same disk, with the writes, after the page was loaded anew', async (context) => {
    if (!HAS_FIRMWARE) context.skip();
    const driver = await open();
    const address = driver.page.url();
    for (const count of ['A', 'B', 'C']) {
      await driver.waitForSerial(READY);
      await bootCounter(driver);
      await driver.waitForScreen(`counted ${count}`);
      await driver.page.goto('about:blank');
      await driver.page.goto(address);
    }
  });

  it('goes to another machine on the page, and is as its image says once its writes are discarded', async (context) => {
    if (!HAS_FIRMWARE) context.skip();
    const driver = await open();
    await driver.waitForSerial(READY);
    const discard = driver.page.getByRole('button', { name: 'Discard the writes to counter.img' });
    for (const count of ['A', 'B']) {
      await bootCounter(driver);
      await driver.waitForScreen(`counted ${count}`);
    }
    expect(await driver.text('#kept-list')).toContain('16 KiB written');
    await discard.click();
    await driver.waitForNotice('in use');
    await driver.page.locator('[data-guest="teaching"]').click();
    await driver.waitForSerial(READY);
    await discard.click();
    await expect.poll(() => driver.page.locator('#kept').isHidden(), { timeout: 5000 }).toBe(true);
    await bootCounter(driver);
    await driver.waitForScreen('counted A');
    expect(driver.faults).toEqual([]);
  });
});

describe('what is missing', () => {
  it('a guest whose file the server does not have gives a readable error, and the machine goes on', async (context) => {
    if (!HAS_DEBIAN) context.skip();
    const driver = await open({ missing: /vmlinuz$/ });
    await driver.waitForSerial(READY);
    await driver.page.locator('[data-guest="debian-i386"]').click();
    await driver.waitForNotice('404');
    expect(await driver.notices()).toContain('could not be started; the running machine goes on');
    expect(await driver.notices()).toContain('vmlinuz');
    await stillAnswers(driver);
  });

  it('a guest that cannot be fetched on open makes room for the embedded one', async (context) => {
    if (!HAS_DEBIAN) context.skip();
    const driver = await open({ missing: /vmlinuz$/ }, '');
    await driver.waitForSerial(READY);
    expect(await driver.notices()).toContain('404');
    expect(await driver.notices()).toContain('boots instead');
  });

  it('the guest that the list names boots on open', async (context) => {
    if (!HAS_DEBIAN) context.skip();
    const manifest = JSON.parse(readFileSync(root('dist/page/guests/guests.json'), 'utf8'));
    const driver = await open({ files: { 'guests/guests.json': Buffer.from(JSON.stringify({ ...manifest, default: 'teaching' })) } }, '');
    await driver.waitForSerial(READY);
    expect(await driver.page.evaluate(() => window.coracle?.guest)).toBe('teaching');
  });

  it('without any guests the embedded one boots, with a note why', async () => {
    const driver = await open({ missing: /^guests\// }, '');
    await driver.waitForSerial(READY);
    expect(await driver.text('#guests-note')).toContain('404');
    expect(await driver.notices()).toBe('');
  });

  it('a name that is no guest gives a readable error', async () => {
    const driver = await open({}, '#guest=plan9');
    await driver.waitForNotice('plan9');
    expect(await driver.state()).toBe('empty');
  });

  it('the processor’s own file gives a readable error', async () => {
    const driver = await open({ missing: /\.wasm$/ });
    await driver.waitForNotice('404');
    expect(await driver.state()).toBe('empty');
  });

  it('a feature of WebAssembly gives a readable error', async () => {
    const driver = await open({}, '', () => {
      WebAssembly.validate = () => false;
    });
    await driver.waitForNotice('tail calls');
    expect(await driver.notices()).toContain('Chrome');
    expect(await driver.state()).toBe('empty');
  });

  it('OffscreenCanvas is done without', async () => {
    const driver = await open({}, '#guest=teaching', () => {
      Reflect.deleteProperty(HTMLCanvasElement.prototype, 'transferControlToOffscreen');
    });
    await driver.waitForScreen(READY);
    await expect.poll(() => driver.page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('#screen canvas');
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      return pixels.some((value, i) => i % 4 !== 3 && value > 0);
    }), { timeout: 5000 }).toBe(true);
  });
});

describe('firmware', () => {
  it('SeaBIOS shows its messages on the screen', async (context) => {
    if (!HAS_FIRMWARE) context.skip();
    const driver = await open({}, '?guest=seabios');
    await driver.waitForScreen('SeaBIOS (version');
    await driver.waitForScreen('No bootable device', 90_000);
  });
});

/** The guest that ran before still does what it is told. */
async function stillAnswers(driver: PageDriver): Promise<void> {
  expect(await driver.state()).toBe('running');
  const before = occurrences(await driver.serialText(), 'teach>');
  await driver.page.evaluate(() => window.coracle?.sendSerial('help\r'));
  await expect.poll(async () => occurrences(await driver.serialText(), 'teach>'), { timeout: 10_000 }).toBeGreaterThan(before);
  expect(driver.faults).toEqual([]);
}

/** Starts a disk that counts its starts, its writes being kept. */
async function bootCounter(driver: PageDriver): Promise<void> {
  await driver.page.locator('#file-picker').setInputFiles([{ name: 'counter.img', mimeType: 'application/octet-stream', buffer: countingDisk() }]);
  await driver.page.getByLabel('Keep what the guest writes').check();
  await driver.page.locator('#own-form').getByRole('button', { name: 'Start' }).click();
}

/** 64 KiB with a jump at the reset vector. */
function firmwareLike(): Buffer {
  const image = Buffer.alloc(0x10000);
  image[image.length - 16] = 0xea;
  return image;
}

/**
 * A disk whose boot sector shows the letter at its end, writes the next one there by INT 13h, and flushes the drive:
 * the ATA command FLUSH CACHE, whose end says that the browser has stored the sector.
 */
function countingDisk(): Buffer {
  const image = Buffer.alloc(1 << 20);
  image.set([
    0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xfc, // xor ax, ax; mov ds, ax; mov es, ax; cld
    0x52, // push dx
    0xb8, 0x01, 0x03, 0xbb, 0x00, 0x7c, 0xb9, 0x01, 0x00, 0xb6, 0x00, // mov ax, 0301h; mov bx, 7c00h; mov cx, 1; mov dh, 0
    0xfe, 0x06, 0xbd, 0x7d, // inc byte [7dbdh]
    0xcd, 0x13, // int 13h
    0xba, 0xf7, 0x01, 0xb0, 0xe7, 0xee, // mov dx, 1f7h; mov al, 0e7h; out dx, al
    0xec, 0xa8, 0x80, 0x75, 0xfb, // in al, dx; test al, 80h; jnz $-3
    0x5a, // pop dx
    0xbe, 0xb4, 0x7d, // mov si, 7db4h
    0xac, 0x84, 0xc0, 0x74, 0xfe, // lodsb; test al, al; jz $
    0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10, // mov ah, 0eh; mov bx, 7; int 10h
    0xeb, 0xf0, // jmp to lodsb
  ]);
  image.write('\ncounted @\0', 0x1b4, 'latin1');
  image.set([0x55, 0xaa], 510);
  return image;
}
