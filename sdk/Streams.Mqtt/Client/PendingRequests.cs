namespace Streams.Mqtt;

/// <summary>SUBSCRIBE and UNSUBSCRIBE packets that wait for their answers. Bounded by the packet identifiers.</summary>
internal sealed class PendingRequests
{
    private readonly MqttConnection _connection;
    private readonly PacketIds _ids;
    private readonly Lock _gate;
    private readonly Dictionary<ushort, Request> _requests = [];
    private Exception? _failure;

    public PendingRequests(MqttConnection connection, PacketIds ids, Lock gate)
    {
        _connection = connection;
        _ids = ids;
        _gate = gate;
    }

    /// <summary>Writes what <paramref name="make"/> makes of a free identifier; the task ends with the answer.</summary>
    public Task<MqttPacket> Send(Func<ushort, MqttPacket> make, MqttPacketType answer, int answers)
    {
        lock (_gate)
        {
            if (_failure is not null)
            {
                throw _failure;
            }

            ushort id = _ids.Take();
            if (id == 0)
            {
                throw new InvalidOperationException("All packet identifiers are in use: await some calls.");
            }

            try
            {
                _connection.Write(make(id));
            }
            catch
            {
                _ids.Release(id);
                throw;
            }

            Request request = new(answer, answers);
            _requests.Add(id, request);
            return request.Task;
        }
    }

    public void OnAnswer(ushort id, MqttPacket answer, int answers)
    {
        lock (_gate)
        {
            if (!_requests.TryGetValue(id, out Request? request) || request.Answer != answer.Type)
            {
                throw Refuse.Protocol($"{answer.Type} for packet {id}, which does not wait for it.");
            }

            // UNSUBACK of 3.1.1 has no codes.
            if (answers != request.Answers && !(answers == 0 && answer.Type == MqttPacketType.Unsuback))
            {
                throw Refuse.Protocol($"{answer.Type} has {answers} reason codes for {request.Answers} filters.");
            }

            _requests.Remove(id);
            _ids.Release(id);
            request.TrySetResult(answer);
        }
    }

    public void Fail(Exception failure)
    {
        List<Request> all;
        lock (_gate)
        {
            _failure ??= failure;
            all = [.. _requests.Values];
            _requests.Clear();
        }

        foreach (Request request in all)
        {
            request.TrySetException(failure);
            _ = request.Task.Exception;
        }
    }

    private sealed class Request : TaskCompletionSource<MqttPacket>
    {
        public Request(MqttPacketType answer, int answers)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            Answer = answer;
            Answers = answers;
        }

        public MqttPacketType Answer { get; }

        public int Answers { get; }
    }
}
