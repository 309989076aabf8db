using Streams.Core;

namespace Streams.Client;

/// <summary>Events that the application may take, and the credit that they hold. Used under the consumer's lock.</summary>
/// <remarks>Bounded by the credit given to the cluster, and by what was held back and became free.</remarks>
internal sealed class ReadyQueue(int receiveBytes)
{
    private readonly Queue<(ReceivedEvent Event, PassByReader Reader, int Credit)> _events = new();
    private long _owed;

    /// <summary>Events waiting to be taken.</summary>
    public int Count => _events.Count;

    /// <summary>Bytes of credit that waiting events hold.</summary>
    public long Held { get; private set; }

    /// <summary>Adds an event that holds so much credit.</summary>
    public void Add(ReceivedEvent received, PassByReader reader, int credit)
    {
        _events.Enqueue((received, reader, credit));
        Held += credit;
    }

    /// <summary>The next event; those of before a rewind are passed over.</summary>
    public ReceivedEvent? Take()
    {
        while (_events.TryDequeue(out (ReceivedEvent Event, PassByReader Reader, int Credit) next))
        {
            Held -= next.Credit;
            _owed += next.Credit;
            if (next.Event.Life == next.Reader.Life)
            {
                return next.Event;
            }
        }

        return null;
    }

    /// <summary>The cluster may send so much more.</summary>
    public void Owe(long bytes) => _owed += bytes;

    /// <summary>A session begins: what it may be given at once.</summary>
    public uint BeginCredit()
    {
        _owed = 0;
        return (uint)Math.Max(0, receiveBytes - Held);
    }

    /// <summary>What to grant now, or 0: a quarter of all at once, or all that is owed when nothing waits.</summary>
    public uint TakeGrant()
    {
        if (_owed == 0 || (_owed < receiveBytes / 4 && _events.Count > 0))
        {
            return 0;
        }

        uint grant = (uint)Math.Min(_owed, uint.MaxValue);
        _owed -= grant;
        return grant;
    }
}
