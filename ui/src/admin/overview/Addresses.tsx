import { CopyButton } from '@shared/components/CopyButton';
import { Panel } from '@shared/components/Panel';
import type { NodeView } from '@shared/protocol';

import { usePanel } from '../context';
import classes from '../cards.module.css';

/** Where viewers go, and which doors are open. */
export function Addresses({ node }: { node: NodeView }) {
  const { commands } = usePanel();
  const { ports } = node;
  const doors: [string, number | null][] = [
    ['HTTP', ports.http],
    ['HTTPS', ports.https],
    ['media (UDP and TCP)', ports.media],
    ['old supervisor protocol', ports.supervisor],
    ['other machines', ports.relay],
  ];
  return (
    <Panel aria-labelledby="addresses">
      <h2 className={classes.title} id="addresses">
        Addresses
      </h2>
      <ul className={classes.urls}>
        {node.home_urls.map((url) => (
          <li key={url}>
            <a
              href={url}
              target="_blank"
              rel="noreferrer"
              onClick={(event) => {
                event.preventDefault();
                void commands.openLink(url);
              }}
            >
              {url}
            </a>
            <CopyButton text={url} label={`Copy ${url}`} />
          </li>
        ))}
      </ul>
      <dl className={classes.list}>
        <dt>Ports</dt>
        <dd>
          {doors
            .filter(([, port]) => port !== null)
            .map(([name, port]) => `${port ?? ''} ${name}`)
            .join(' · ')}
        </dd>
        <dt>Data</dt>
        <dd className={classes.path}>{node.data_dir}</dd>
      </dl>
    </Panel>
  );
}
