/**
 * Makes the disks of installed systems that the guest tests boot: `npx tsx scripts/systems.ts`, into `.cache/systems/`.
 * What is there and whose recipe has not changed is kept, without asking the network.
 */
import { buildSystemDisk } from '../images/debian-systemd/recipe.ts';
import { Apt, announce } from '../images/lib/apt.ts';

async function openApt(): Promise<Apt> {
  const apt = new Apt();
  apt.open();
  announce(apt);
  await apt.update();
  return apt;
}

for (const architecture of ['amd64', 'i386'] as const) await buildSystemDisk(openApt, architecture);
