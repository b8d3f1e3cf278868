/** Seconds since 1970 to and from the clock's registers, in BCD or binary, with 12 or 24 hours; and when an alarm matches. */
import {
  ALARM_ANY, HOURS_PM, RTC_CENTURY, RTC_DAY_OF_MONTH, RTC_DAY_OF_WEEK, RTC_HOURS, RTC_MINUTES, RTC_MONTH, RTC_SECONDS,
  RTC_YEAR,
} from './registers.ts';

export interface ClockFormat {
  readonly binary: boolean;
  readonly hours24: boolean;
}

export const TIME_REGISTERS: readonly number[] = [
  RTC_SECONDS, RTC_MINUTES, RTC_HOURS, RTC_DAY_OF_WEEK, RTC_DAY_OF_MONTH, RTC_MONTH, RTC_YEAR, RTC_CENTURY,
];

const HOUR = 3600, DAY = 86400;

export function writeTime(memory: Uint8Array, seconds: number, format: ClockFormat): void {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  memory[RTC_SECONDS] = encode(date.getUTCSeconds(), format);
  memory[RTC_MINUTES] = encode(date.getUTCMinutes(), format);
  memory[RTC_HOURS] = encodeHours(date.getUTCHours(), format);
  memory[RTC_DAY_OF_WEEK] = date.getUTCDay() + 1;
  memory[RTC_DAY_OF_MONTH] = encode(date.getUTCDate(), format);
  memory[RTC_MONTH] = encode(date.getUTCMonth() + 1, format);
  memory[RTC_YEAR] = encode(year % 100, format);
  memory[RTC_CENTURY] = encode(Math.floor(year / 100), format);
}

/** Values out of range carry over, so that every setting is some time. */
export function readTime(memory: Uint8Array, format: ClockFormat): number {
  const field = (register: number): number => decode(memory[register], format);
  const date = new Date(0);
  date.setUTCFullYear(field(RTC_CENTURY) * 100 + field(RTC_YEAR), field(RTC_MONTH) - 1, field(RTC_DAY_OF_MONTH));
  date.setUTCHours(decodeHours(memory[RTC_HOURS], format), field(RTC_MINUTES), field(RTC_SECONDS));
  return date.getTime() / 1000;
}

/** The first second after `after` that the alarm bytes match; undefined when none ever does. */
export function nextAlarm(after: number, hours: number, minutes: number, seconds: number, format: ClockFormat): number | undefined {
  const any = (byte: number): boolean => (byte & ALARM_ANY) === ALARM_ANY;
  const hour = any(hours) ? undefined : decodeHours(hours, format);
  const minute = any(minutes) ? undefined : decode(minutes, format);
  const second = any(seconds) ? undefined : decode(seconds, format);
  let time = after + 1;
  // Steps to the next hour, minute or second until all three match: at most a day ahead.
  while (time <= after + DAY) {
    const inDay = time % DAY;
    if (hour !== undefined && Math.floor(inDay / HOUR) !== hour) time += HOUR - (inDay % HOUR);
    else if (minute !== undefined && Math.floor((inDay % HOUR) / 60) !== minute) time += 60 - (inDay % 60);
    else if (second !== undefined && inDay % 60 !== second) time++;
    else return time;
  }
  return undefined;
}

function encode(value: number, format: ClockFormat): number {
  return format.binary ? value : (Math.floor(value / 10) << 4) | value % 10;
}

function decode(byte: number, format: ClockFormat): number {
  return format.binary ? byte : (byte >> 4) * 10 + (byte & 15);
}

function encodeHours(hours: number, format: ClockFormat): number {
  if (format.hours24) return encode(hours, format);
  return encode(hours % 12 === 0 ? 12 : hours % 12, format) | (hours >= 12 ? HOURS_PM : 0);
}

function decodeHours(byte: number, format: ClockFormat): number {
  if (format.hours24) return decode(byte, format);
  return (decode(byte & ~HOURS_PM, format) % 12) + ((byte & HOURS_PM) !== 0 ? 12 : 0);
}
