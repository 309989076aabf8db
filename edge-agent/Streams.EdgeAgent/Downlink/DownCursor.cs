using System.Collections.Immutable;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Where the downlink is in one partition. Pure.</summary>
internal sealed class DownCursor(Cursor cursor)
{
    /// <summary>The cursor behind all that was taken.</summary>
    public Cursor Cursor { get; private set; } = cursor;

    /// <summary>Takes note of a delivery; false when it does not follow what was taken of its lane.</summary>
    public bool Take(Delivery delivery)
    {
        switch (delivery.Kind)
        {
            case DeliveryKind.Rewound:
                Cursor = delivery.Cursor;
                return true;
            case DeliveryKind.Released:
                return true;
        }

        if (delivery.From != Cursor[delivery.Origin])
        {
            return false;
        }

        Cursor moved = Cursor.With(delivery.Origin, delivery.To);
        if (delivery.Kind == DeliveryKind.Gap && delivery.To > delivery.From)
        {
            ImmutableSortedSet<CursorJump>.Builder jumps = moved.Jumps.ToBuilder();
            jumps.Add(new CursorJump(delivery.Origin, delivery.From, delivery.To));
            moved = new Cursor(moved.Generation, moved.Positions, CursorJumps.Bound(jumps));
        }

        Cursor = moved;
        return true;
    }
}
