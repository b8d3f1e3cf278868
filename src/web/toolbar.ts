/** The bar over the machine: what it is, its state, its buttons and what it does with the host's time. */
import type { Totals } from '../worker/protocol.ts';
import { byId } from './dom.ts';
import { formatBytes, formatDuration, formatMips } from './format.ts';
import type { ScreenState } from './screen.ts';

export interface ToolbarOptions {
  readonly onRun: () => void;
  readonly onPause: () => void;
  readonly onReset: () => void;
  readonly onPower: () => void;
}

const STATES: Readonly<Record<ScreenState, string>> = { empty: 'empty', loading: 'starting', running: 'running', paused: 'paused', off: 'off' };
/** Guest time that lags less than this is on time. */
const LAG_SECONDS = 2;

export class Toolbar {
  private readonly title = byId('machine-title', HTMLHeadingElement);
  private readonly pill = byId('machine-state', HTMLSpanElement);
  private readonly run = byId('run', HTMLButtonElement);
  private readonly reset = byId('reset', HTMLButtonElement);
  private readonly power = byId('power', HTMLButtonElement);
  private readonly speed = byId('figure-speed', HTMLElement);
  private readonly idle = byId('figure-idle', HTMLElement);
  private readonly time = byId('figure-time', HTMLElement);
  private readonly compiled = byId('figure-compiled', HTMLElement);
  private readonly compiledTitle = byId('compiled', HTMLElement);
  private readonly memory = byId('figure-memory', HTMLElement);
  private state: ScreenState = 'empty';
  private last: Totals | undefined;

  constructor(options: ToolbarOptions) {
    this.run.addEventListener('click', () => (this.state === 'running' ? options.onPause() : options.onRun()));
    this.reset.addEventListener('click', options.onReset);
    this.power.addEventListener('click', options.onPower);
  }

  setTitle(title: string): void {
    this.title.textContent = title;
    document.title = `${title} – Coracle`;
  }

  setState(state: ScreenState): void {
    this.state = state;
    this.pill.dataset.state = state;
    this.pill.textContent = STATES[state];
    const there = state === 'running' || state === 'paused' || state === 'off';
    this.run.disabled = !there;
    this.reset.disabled = !there;
    this.power.disabled = state !== 'running';
    const label = state === 'running' ? 'Pause' : state === 'off' ? 'Switch on' : 'Run';
    this.run.querySelector('span')!.textContent = label;
    this.run.querySelector('use')!.setAttribute('href', state === 'running' ? '#icon-pause' : state === 'off' ? '#icon-power' : '#icon-run');
    if (state !== 'running') this.clearRates();
  }

  focus(): void {
    this.run.focus();
  }

  /** Rates are those since the totals before. */
  setTotals(totals: Totals): void {
    const { last } = this;
    this.last = totals;
    const lag = totals.wallSeconds - totals.guestSeconds;
    this.time.textContent = formatDuration(totals.guestSeconds);
    if (lag > LAG_SECONDS) this.time.append(small(`${formatDuration(lag)} behind`));
    this.memory.textContent = formatBytes(totals.frameBytes);
    this.showCode(totals);
    if (last === undefined || this.state !== 'running') return;
    const seconds = totals.wallSeconds - last.wallSeconds;
    if (seconds <= 0) return;
    this.speed.textContent = formatMips((totals.instructions - last.instructions) / seconds / 1e6);
    this.speed.append(small('MIPS'));
    const idle = Math.min(Math.max((totals.idleSeconds - last.idleSeconds) / seconds, 0), 1);
    this.idle.textContent = `${Math.round(idle * 100)} %`;
  }

  /** For another machine. */
  clear(): void {
    this.clearRates();
    this.time.textContent = '–';
    this.memory.textContent = '–';
    this.compiled.textContent = '–';
  }

  private showCode({ compiler, code }: Totals): void {
    if (compiler) {
      this.compiled.textContent = formatBytes(compiler.bytes);
      this.compiled.append(small(`${compiler.regions} ${compiler.regions === 1 ? 'region' : 'regions'}`));
    }
    this.compiledTitle.title = [...(compiler ? lines(compiler) : []), ...(code ? lines(code) : [])].join('\n');
  }

  private clearRates(): void {
    this.last = undefined;
    this.speed.textContent = '–';
    this.idle.textContent = '–';
  }
}

/** Counters as a list, those within others too. */
function lines(counters: object): string[] {
  return Object.entries(counters).flatMap(([name, value]) => {
    if (typeof value === 'object') return lines(value).map((line) => `${name}: ${line}`);
    return value === undefined ? [] : [`${name}: ${Math.round(value)}`];
  });
}

function small(text: string): HTMLElement {
  const element = document.createElement('small');
  element.textContent = ` ${text}`;
  return element;
}
