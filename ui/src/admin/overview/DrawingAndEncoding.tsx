import { Panel } from '@shared/components/Panel';
import type { EncoderChoice, NodeView } from '@shared/protocol';

import classes from '../cards.module.css';

/** How pictures are made on this machine, and why so. */
export function DrawingAndEncoding({ node }: { node: NodeView }) {
  return (
    <Panel aria-labelledby="drawing">
      <h2 className={classes.title} id="drawing">
        Drawing and encoding
      </h2>
      <dl className={classes.list}>
        <dt>Graphics</dt>
        <dd>{node.graphics}</dd>
        <dt>Encoder</dt>
        <dd>{node.encoder ? <Choice choice={node.encoder} /> : 'Chosen when the first stream is opened.'}</dd>
      </dl>
    </Panel>
  );
}

function Choice({ choice }: { choice: EncoderChoice }) {
  return (
    <>
      <strong>{choice.name}</strong> · {choice.codec === 'h264' ? 'H.264' : 'VP8'} ·{' '}
      {choice.hardware ? 'in hardware' : 'in software'}
      <p className={classes.reason}>{choice.reason}</p>
      {choice.rejected.length > 0 && (
        <details className={classes.details}>
          <summary>{choice.rejected.length} tried before it</summary>
          <ul>
            {choice.rejected.map((one) => (
              <li key={one.name}>
                <strong>{one.name}</strong>: {one.why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
