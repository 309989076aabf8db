using Streams.Core;

namespace Streams.Gateways;

/// <summary>Finds out whether another copy of an event was passed (rule R10). Copies are asked for once for each batch, and again when
/// something has
/// come meanwhile that may be a copy.</summary>
internal sealed class TwinCheck(IPartitionView view, DeliveryRules rules)
{
    private readonly List<CursorJump> _jumps = [];
    private IReadOnlyList<HeldRun> _copies = [];
    private LaneBatch? _batch;

    /// <summary>A gap that the session has stepped over: what lay in it was not given.</summary>
    public void SteppedOver(CursorJump jump) => _jumps.Add(jump);

    /// <summary>Something has come: what was found out may not be all.</summary>
    public void Refresh() => _batch = null;

    /// <summary>Begins again with the gaps that a cursor stepped over.</summary>
    public void Restart(Cursor cursor)
    {
        _jumps.Clear();
        _jumps.AddRange(cursor.Jumps);
        Refresh();
    }

    /// <summary>Whether a copy of the event at <paramref name="index"/>, other than itself, lies behind <paramref name="position"/> of
    /// its lane and in no gap.</summary>
    public bool WasPassed(Origin origin, LaneBatch batch, int index, Func<Origin, Offset> position)
    {
        if (!ReferenceEquals(batch, _batch))
        {
            _copies = view.Copies(batch.Batch.Header.Run);
            _batch = batch;
        }

        if (_copies.Count == 0)
        {
            return false;
        }

        Offset self = batch.BaseOffset + index;
        EventIdentity identity = batch.Batch.Header.Identity(index);
        foreach (HeldRun copy in _copies)
        {
            if (copy.Run.Producer != identity.Producer || copy.Run.Epoch != identity.Epoch
                || identity.Sequence < copy.Run.First || identity.Sequence > copy.Run.Last)
            {
                continue;
            }

            Offset offset = copy.FirstOffset + (identity.Sequence - copy.Run.First);
            bool isSelf = copy.Origin == origin && offset == self;
            if (!isSelf && position(copy.Origin) > offset && !LiesInJump(copy.Origin, offset))
            {
                return true;
            }
        }

        return false;
    }

    private bool LiesInJump(Origin origin, Offset offset)
    {
        if (!rules.Jumps)
        {
            return false;
        }

        foreach (CursorJump jump in _jumps)
        {
            if (jump.Origin == origin && jump.From <= offset && offset < jump.To)
            {
                return true;
            }
        }

        return false;
    }
}
