using System.Buffers;
using System.Text.Json;

namespace FleetFailover;

/// <summary>A car on the grid: it speeds up, brakes before crossings, turns by chance, uses its battery and charges it. The same chance
/// gives the same drive.</summary>
internal sealed class SimulatedCar
{
    private const double TopSpeed = 14;                    // m/s, about 50 km/h
    private const double TurnSpeed = 5;
    private const double Acceleration = 2;
    private const double KilometresPerCharge = 300;
    private const double ChargePercentPerSecond = 2;       // quicker than life, so that a short run shows it

    private readonly Random _chance;
    private int _east;
    private int _north;
    private int _direction;
    private double _metres;
    private double _speed;
    private double _odometer;
    private double _battery;
    private bool _charging;

    public SimulatedCar(Random chance)
    {
        _chance = chance;
        _east = chance.Next(RoadGrid.Blocks + 1);
        _north = chance.Next(RoadGrid.Blocks + 1);
        _direction = NextDirection(chance.Next(4));
        _battery = 10 + (chance.NextDouble() * 90);
        _odometer = chance.Next(100_000);
    }

    /// <summary>Lets time pass.</summary>
    public void Drive(TimeSpan time)
    {
        double seconds = time.TotalSeconds;
        if (_charging)
        {
            _battery = Math.Min(100, _battery + (ChargePercentPerSecond * seconds));
            _charging = _battery < 80;
            return;
        }

        double wanted = RoadGrid.BlockMetres - _metres < 40 ? TurnSpeed : TopSpeed * (0.85 + (0.15 * _chance.NextDouble()));
        _speed += Math.Clamp(wanted - _speed, -2 * Acceleration * seconds, Acceleration * seconds);
        double way = _speed * seconds;
        _odometer += way / 1000;
        _battery = Math.Max(0, _battery - (way / 1000 / KilometresPerCharge * 100));
        for (_metres += way; _metres >= RoadGrid.BlockMetres; _metres -= RoadGrid.BlockMetres)
        {
            (int east, int north) = RoadGrid.Step(_direction);
            _east += east;
            _north += north;
            _direction = NextDirection(_direction);
        }

        if (_battery < 8)
        {
            _charging = true;
            _speed = 0;
        }
    }

    public void Write(IBufferWriter<byte> output)
    {
        (double latitude, double longitude) = RoadGrid.Place(_east, _north, _direction, _metres);
        using Utf8JsonWriter json = new(output);
        json.WriteStartObject();
        json.WriteNumber("latitude", Math.Round(latitude, 6));
        json.WriteNumber("longitude", Math.Round(longitude, 6));
        json.WriteNumber("speedKmh", Math.Round(_speed * 3.6, 1));
        json.WriteNumber("heading", RoadGrid.Heading(_direction));
        json.WriteNumber("batteryPercent", Math.Round(_battery, 2));
        json.WriteBoolean("charging", _charging);
        json.WriteNumber("odometerKm", Math.Round(_odometer, 3));
        json.WriteEndObject();
    }

    /// <summary>Mostly straight on, sometimes left or right, back only at a corner of the town.</summary>
    private int NextDirection(int direction)
    {
        int turn = _chance.Next(10) switch
        {
            < 6 => 0,
            < 8 => 1,
            _ => 3,
        };
        for (int i = 0; i < 4; i++)
        {
            int next = (direction + turn + i) % 4;
            if (RoadGrid.Leads(_east, _north, next))
            {
                return next;
            }
        }

        return direction;
    }
}
