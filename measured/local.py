"""local.py kind:methods:seeds:folds ... : jobs on the cores of this machine, resumable; run in the worktree."""
import sys, time, json, os, traceback, multiprocessing as mp, torch
T0 = time.time()
from pathlib import Path
RES, PRE = Path('CACHE/res'), Path('CACHE/pre'); RES.mkdir(exist_ok=True); PRE.mkdir(exist_ok=True)
data, cache, ck = Path('DATA'), Path('CACHE/cache2'), Path('checkpoints')
torch.set_num_threads(1)
from models.extractors.profile import Profile
from models.shipped import sources as S, evaluation as E, reconstruction as R, trainer as TR
from models.shipped.shipping import recognised_words
from models.training.prediction import predict
from models.fusion.mfm import MFM
from models.registry import spec
p = Profile.load('local', root=ck); dims = p.dims
src = S.load_sources(data, p, cache)
print('sources', time.time()-T0, flush=True)
rec = S.with_words(src.clips, recognised_words(Path('CACHE/heard2.csv'), data), p)
folds = {int(f) for s in sys.argv[1:] for f in s.split(':')[3].split('.')} | {0}
sp = {f: S.load_speech_fold(data, p, cache, f) for f in folds}
print('loaded', time.time()-T0, flush=True)
plain = TR.FusionTrainer.pretrain
def pretrain(self, name, seed, log=None):
    which = next(f for f, s in sp.items() if s is self.speech)
    path = PRE / f'{name}.{seed}.{which}.pt'
    if path.exists():
        model, cpu = torch.load(path, weights_only=False); torch.set_rng_state(cpu)
        return model
    t = time.time(); model = plain(self, name, seed, log); print(f'  pretrained {name} {seed} {which} {time.time()-t:.0f}s', flush=True)
    torch.save((model, torch.get_rng_state()), path.with_suffix('.tmp')); path.with_suffix('.tmp').rename(path)
    return model
TR.FusionTrainer.pretrain = pretrain
if os.environ.get('TINY'):
    t = TR.Recipe(general_epochs=1, generation_epochs=1, clip_epochs=1, clip_repeats=1, text=60, speech=40, faces=40, triples=60)
    init = TR.FusionTrainer.__init__
    TR.FusionTrainer.__init__ = lambda self, a, b, c, recipe=None, device='cpu': init(self, a, b, c, t, device)
def job(kind, name, seed, fold):
    if kind == 'clips':
        judged = R.judges(src, sp[0]) if spec(name).model is MFM and seed == 0 else None
        return E.leave_speakers_out(name, src, sp[0], dims, [seed], judges=judged, recognised=rec, log=lambda s: print(s, flush=True))
    tr = TR.FusionTrainer(src, sp[fold], dims)
    m = tr.fine_tune(tr.pretrain(name, seed), name, src.clips, seed)
    if kind == 'speech':
        if m.has_readout: tr.fit_readout(m, src.clips)
        return {'scores': {'+'.join(map(str, s)): predict(m, sp[fold].test, dims, s).tolist() for s in E.SPEECH_SUBSETS}, 'true': [float(i.target) for i in sp[fold].test]}
    torch.save(m.state_dict(), RES / f'train.{name}.pt')
    return {'describe': tr.describe()}
jobs = []
for s in sys.argv[1:]:
    kind, names, seeds, fs = s.split(':')
    for seed in map(int, seeds.split('.')):
        for fold in map(int, fs.split('.')):
            for n in names.split(','):
                if not (RES / f'{kind}.{n}.{seed}.{fold}.json').exists(): jobs.append((kind, n, seed, fold))
lock = mp.Lock(); taken = mp.Array('b', len(jobs))
def worker(number):
    torch.set_num_threads(1)
    while True:
        with lock:
            free = [i for i in range(len(jobs)) if not taken[i]]
            if not free: return
            i = free[0]; taken[i] = 1
            name = '.'.join(map(str, jobs[i])); claim = RES / f'{name}.claim'
            if (RES / f'{name}.json').exists(): continue
            try:
                if claim.exists() and os.path.exists(f'/proc/{claim.read_text()}'): continue
                claim.write_text(str(os.getpid()))
            except OSError: continue
        t = time.time()
        try:
            r = job(*jobs[i]); q = RES / f'{".".join(map(str, jobs[i]))}.json'
            q.with_suffix('.tmp').write_text(json.dumps(r)); q.with_suffix('.tmp').rename(q)
            print(f'{time.time()-T0:.0f} DONE {jobs[i]} {time.time()-t:.0f}s', flush=True)
        except Exception: print('FAILED', jobs[i], traceback.format_exc()[-1500:], flush=True)
ws = [mp.get_context('fork').Process(target=worker, args=(i,)) for i in range(int(os.environ.get('CORES', 2)))]
for w in ws: w.start()
for w in ws: w.join()
print('all done', time.time()-T0)
