"""Combine the device's figures into figures.json, and save shipped weights and cards."""
import json, sys, tarfile, io, torch
import numpy as np
torch.set_num_threads(2)
from pathlib import Path
from models.shipped import shipping as SH, evaluation as E
from models.shipped.trainer import FusionTrainer
from models.training.metrics import spread, sentiment_metrics
from models.registry import FUSION_MODELS
from models.checkpoint import subset_name
data, cache, ck = Path('DATA'), Path('CACHE/cache2'), Path('checkpoints')
SEEDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
got = Path('CACHE/dev/got')
mode, names = sys.argv[1], (list(FUSION_MODELS) if sys.argv[2] == 'all' else sys.argv[2].split(','))
def read(kind, n, s, f): return json.loads((got / f'{kind}.{n}.{s}.{f}.json').read_text())
def merge(parts):
    """mean of each run's [mean, std=0] -> spread"""
    return spread([{k: (v[0] if isinstance(v, list) else v) for k, v in p.items()} for p in parts])
if mode == 'figures':
    profile, sources = SH._loaded(data, cache, ck)
    true = np.array([c.target for c in sources.clips])
    for n in names:
        try: runs = [read('clips', n, s, 0) for s in range(SEEDS)]
        except FileNotFoundError as e: print('no', e); continue
        r = {**runs[0], 'seeds': list(range(SEEDS))}
        r['subsets'] = {k: merge([x['subsets'][k] for x in runs]) for k in r['subsets']}
        r['dropped'] = {k: merge([x['dropped'][k] for x in runs]) for k in r['dropped']}
        r['gain'] = merge([x['gain'] for x in runs])
        r['predictions'] = {k: sum((x['predictions'][k] for x in runs), []) for k in r['predictions']}
        if 'readout' in r: r['readout'] = np.mean([x['readout'] for x in runs], 0).tolist()
        if 'recognised' in r: r['recognised'] = {k: merge([x['recognised'][k] for x in runs]) for k in r['recognised']}
        r['quantiles'] = SH.pooled_quantiles(r, true); r.pop('predictions')
        SH.write_figures(ck, 'clips', n, r)
        print(n, r['subsets']['text+audio+vision']['mae'] if 'text+audio+vision' in r['subsets'] else list(r['subsets'])[:2])
elif mode == 'speech':
    for n in names:
        runs = {s: [] for s in E.SPEECH_SUBSETS}; seeds = []
        for seed in range(3):
            try: fs = [read('speech', n, seed, f) for f in range(4)]
            except FileNotFoundError: continue
            seeds.append(seed); true = np.array(sum((f['true'] for f in fs), []))
            for s in E.SPEECH_SUBSETS:
                k = '+'.join(map(str, s)); runs[s].append(sentiment_metrics(np.concatenate([f['scores'][k] for f in fs]), true))
        print(n, seeds, len(true) if seeds else None)
        if len(seeds) == 3:
            SH.write_figures(ck, 'speech', n, {'method': n, 'seeds': seeds, 'utterances': len(true), 'subsets': {subset_name(s): spread(f) for s, f in runs.items()}})
elif mode == 'train':
    def pretrain(self, name, seed, log=None):
        from models.registry import spec
        m = spec(name).build(self.dims)
        if m.needs_language_model: m.attach_language_model(self.sources.language_model())
        state = torch.load(got / f'train.{name}.pt')
        m.load_state_dict(state); return m.eval()
    FusionTrainer.pretrain = pretrain
    FusionTrainer.fine_tune = lambda self, m, *a: m
    for n in names:
        SH.train_shipped(n, data, cache, ck, 0); print('saved', n, flush=True)
