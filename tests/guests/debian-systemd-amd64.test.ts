import { describeSystem } from './debian-systemd.ts';

describeSystem('amd64');
