/** Entry of a machine's worker. */
import './transfer-errors.ts';
import { expose } from 'comlink';
import { MachineService } from './machine-service.ts';

expose(new MachineService());
