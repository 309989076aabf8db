namespace Streams.Gateways;

/// <summary>One session in one group: where the group's loop hands messages over to the session's.</summary>
/// <remarks>Safe for use by these two and the session's packet loop. What is handed over and not written yet is bounded: by the room in the
/// session's window, by <see cref="MostWaiting"/> and by <see cref="MostWaitingBytes"/>, which one message may exceed.</remarks>
internal sealed class ShareMember(ShareName name, ClientInfo client, Action wakeSession) : IShareMember, IMessageOwner
{
    /// <summary>Most messages handed over and not written: enough to fill a flush, few to be waited for when the client stalls.</summary>
    public const int MostWaiting = 64;

    /// <summary>Most bytes of them.</summary>
    public const int MostWaitingBytes = 64 << 10;

    private readonly Lock _lock = new();
    private readonly Queue<ShareMessage> _waiting = new();
    private int _bytes;
    private int _room = client.Window;
    private bool _closed;

    /// <summary>The shared subscription.</summary>
    public ShareName Name { get; } = name;

    /// <summary>Whose access is asked about.</summary>
    public AccessSubject Subject { get; } = client.Subject;

    /// <summary>Largest packet that its client takes.</summary>
    public long MaxPacketBytes { get; } = client.MaxPacketBytes;

    /// <summary>The group, from the moment at which it is joined.</summary>
    public ShareGroup? Group { get; set; }

    /// <summary>Whether the group has forgotten it: it has nothing and gets nothing.</summary>
    public bool IsGone { get; set; }

    /// <summary>Why the group ended; <see langword="null"/> while it works.</summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc/>
    public bool HasRoom
    {
        get
        {
            lock (_lock)
            {
                return HasRoomNow;
            }
        }
    }

    private bool HasRoomNow => !_closed && _waiting.Count < Math.Min(_room, MostWaiting) && _bytes < MostWaitingBytes;

    /// <summary>Hands a message over; false when the member takes no more, and then the message is the caller's still.</summary>
    public bool Offer(in ShareMessage message)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }

            _waiting.Enqueue(message);
            _bytes += message.Bytes;
            if (_waiting.Count > 1)
            {
                return true;                         // the session was woken for the first and takes them all
            }
        }

        wakeSession();
        return true;
    }

    /// <summary>The session takes a message to write it, and gives its memory back.</summary>
    public bool TryTake(out ShareMessage message)
    {
        lock (_lock)
        {
            if (!_waiting.TryDequeue(out message))
            {
                return false;
            }

            _bytes -= message.Bytes;
            _room--;
            return true;
        }
    }

    /// <summary>The session tells how many more messages it takes.</summary>
    public void SetRoom(int room)
    {
        bool opened;
        lock (_lock)
        {
            _room = room;
            opened = HasRoomNow;
        }

        if (opened)
        {
            Group?.NoteRoom();
        }
    }

    /// <inheritdoc/>
    public void Done(long ticket) => Group?.Done(this, ticket);

    /// <summary>Takes no more; appends the tickets of what was not written to <paramref name="unwritten"/>.</summary>
    public void Close(List<long> unwritten)
    {
        lock (_lock)
        {
            _closed = true;
            while (_waiting.TryDequeue(out ShareMessage message))
            {
                unwritten.Add(message.Given.Ticket);
                message.Release();
            }

            _bytes = 0;
        }
    }

    /// <summary>The group has ended: its sessions end too, and their clients come again.</summary>
    public void Fail(Exception failure)
    {
        Failure = failure;
        wakeSession();
    }
}
