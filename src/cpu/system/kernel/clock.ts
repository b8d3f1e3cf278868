/** The time-stamp counter [SDM3 18.17]. */
import { TSC_COUNT, TSC_OFFSET, TSC_RATE, TSC_START } from '../../layout';

export function time_stamp(cpu: i32, fuelAfter: i32): i64 {
  const passed = floor<f64>((load<f64>(cpu, TSC_COUNT) - fuelAfter) * load<f64>(cpu, TSC_RATE));
  return <i64>(load<f64>(cpu, TSC_START) + passed) + load<i64>(cpu, TSC_OFFSET);
}
