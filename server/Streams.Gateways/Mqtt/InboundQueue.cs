using System.Threading.Channels;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The messages of one client that are being worked on: answered in the order in which they came. Bounded by number and by
/// bytes: beyond that nothing
/// more is read from the connection.</summary>
internal sealed class InboundQueue
{
    private readonly Channel<Item> _items;
    private readonly int _maxBytes;
    private readonly Lock _lock = new();
    private TaskCompletionSource? _room;
    private long _bytes;
    private int _unanswered;

    public InboundQueue(int maxCount, int maxBytes)
    {
        _items = Channel.CreateBounded<Item>(new BoundedChannelOptions(maxCount) { SingleReader = true, SingleWriter = true });
        _maxBytes = maxBytes;
    }

    /// <summary>QoS 1 messages not answered yet.</summary>
    public int Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>Waits until there is room for more bytes.</summary>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                if (_bytes < _maxBytes)
                {
                    return;
                }

                room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Adds a message that is being worked on. <paramref name="packetId"/> is 0 for QoS 0, which is not answered.</summary>
    public ValueTask AddAsync(ushort packetId, string topic, Task<Answer> work, int bytes, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _bytes += bytes;
        }

        if (packetId != 0)
        {
            Interlocked.Increment(ref _unanswered);
        }

        return _items.Writer.WriteAsync(new Item(packetId, topic, work, bytes), cancellationToken);
    }

    /// <summary>No more messages.</summary>
    public void Complete() => _items.Writer.TryComplete();

    /// <summary>Answers until <see cref="Complete"/>: <paramref name="answer"/> is called for each in order; <paramref name="flush"/>
    /// when the next is not ready.</summary>
    public async Task AnswerAllAsync(Action<ushort, string, Answer> answer, Func<CancellationToken, ValueTask> flush,
        CancellationToken cancellationToken)
    {
        ChannelReader<Item> reader = _items.Reader;
        while (await reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (reader.TryRead(out Item item))
            {
                Answer result = await item.Work.ConfigureAwait(false);
                Free(item);
                answer(item.PacketId, item.Topic, result);
                if (!reader.TryPeek(out Item next) || !next.Work.IsCompleted)
                {
                    await flush(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private void Free(in Item item)
    {
        TaskCompletionSource? room = null;
        lock (_lock)
        {
            _bytes -= item.Bytes;
            if (_bytes < _maxBytes)
            {
                room = _room;
                _room = null;
            }
        }

        if (item.PacketId != 0)
        {
            Interlocked.Decrement(ref _unanswered);
        }

        room?.TrySetResult();
    }

    private readonly record struct Item(ushort PacketId, string Topic, Task<Answer> Work, int Bytes);
}
