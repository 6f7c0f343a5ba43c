import { ActionIcon } from '@mantine/core';
import { Logo } from '@shared/components/Logo';
import { SchemeToggle } from '@shared/components/SchemeToggle';
import type { NodeSnapshot } from '@shared/protocol';
import {
  IconLayoutGrid,
  IconListDetails,
  IconLogout,
  IconPackage,
  IconPlanet,
  type Icon,
} from '@tabler/icons-react';

import classes from './Rail.module.css';
import { sections, type Section } from './useSection';

const words: Record<Section, { label: string; Icon: Icon }> = {
  overview: { label: 'Overview', Icon: IconLayoutGrid },
  instances: { label: 'Instances', Icon: IconPlanet },
  builds: { label: 'Builds', Icon: IconPackage },
  audit: { label: 'Audit log', Icon: IconListDetails },
};

type RailProps = { section: Section; snapshot: NodeSnapshot | null; signOut: (() => void) | undefined };

/** The way through the panel: at the side of a wide window, along the bottom of a phone. */
export function Rail({ section, snapshot, signOut }: RailProps) {
  const counts: Partial<Record<Section, number>> = {
    instances: snapshot?.instances.length,
    builds: snapshot?.builds.length,
  };
  return (
    <aside className={classes.rail}>
      <div className={classes.brand}>
        <Logo size={34} />
        <span>
          OpenSpace
          <small>WebRTC</small>
        </span>
      </div>
      <nav className={classes.nav} aria-label="Sections">
        {sections.map((one) => {
          const { label, Icon } = words[one];
          return (
            <a
              key={one}
              href={`#${one}`}
              className={classes.link}
              aria-current={one === section ? 'page' : undefined}
            >
              <Icon size={20} stroke={1.6} aria-hidden="true" />
              <span>{label}</span>
              {counts[one] !== undefined && <span className={classes.count}>{counts[one]}</span>}
            </a>
          );
        })}
      </nav>
      <div className={classes.foot}>
        <span className={classes.version}>{snapshot && `Version ${snapshot.node.version}`}</span>
        <SchemeToggle />
        {signOut && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Forget the token"
            title="Forget the token"
            onClick={signOut}
          >
            <IconLogout size={19} stroke={1.6} />
          </ActionIcon>
        )}
      </div>
    </aside>
  );
}
