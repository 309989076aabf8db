using System.Threading.Channels;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The messages of one client that are being worked on, and its PUBRELs: answered in the order in which they came. Bounded by
/// number and by bytes: beyond that nothing more is read from the connection.</summary>
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

    /// <summary>Messages that PUBACK answers, not answered yet.</summary>
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
    public ValueTask AddAsync(ushort packetId, string topic, Task<Answer> work, int bytes, CancellationToken cancellationToken) =>
        AddAsync(MqttPacketType.Puback, packetId, topic, work, bytes, cancellationToken);

    /// <summary>Adds what is being worked on and answered with PUBACK, PUBREC or PUBCOMP.</summary>
    public ValueTask AddAsync(MqttPacketType reply, ushort packetId, string topic, Task<Answer> work, int bytes,
        CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _bytes += bytes;
        }

        Item item = new(reply, packetId, topic, work, bytes);
        if (item.IsCounted)
        {
            Interlocked.Increment(ref _unanswered);
        }

        return _items.Writer.WriteAsync(item, cancellationToken);
    }

    /// <summary>No more messages.</summary>
    public void Complete() => _items.Writer.TryComplete();

    /// <summary>Answers until <see cref="Complete"/>: <paramref name="answer"/> is called for each in order; <paramref name="flush"/>
    /// when the next is not ready.</summary>
    public async Task AnswerAllAsync(Action<Item, Answer> answer, Func<CancellationToken, ValueTask> flush,
        CancellationToken cancellationToken)
    {
        ChannelReader<Item> reader = _items.Reader;
        while (await reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (reader.TryRead(out Item item))
            {
                Answer result = await item.Work.ConfigureAwait(false);
                Free(item);
                answer(item, result);
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

        if (item.IsCounted)
        {
            Interlocked.Decrement(ref _unanswered);
        }

        room?.TrySetResult();
    }

    /// <summary>What is being worked on.</summary>
    /// <param name="Reply">What it is answered with.</param>
    /// <param name="PacketId">Its identifier; 0 where nothing answers it.</param>
    /// <param name="Topic">The message's topic, for people.</param>
    /// <param name="Work">The answer to come.</param>
    /// <param name="Bytes">Bytes held meanwhile.</param>
    internal readonly record struct Item(MqttPacketType Reply, ushort PacketId, string Topic, Task<Answer> Work, int Bytes)
    {
        /// <summary>Whether it counts as an unanswered message of QoS 1.</summary>
        public bool IsCounted => PacketId != 0 && Reply == MqttPacketType.Puback;
    }
}
