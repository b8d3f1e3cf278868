import { describeSystem } from './debian-systemd.ts';

describeSystem('i386');
